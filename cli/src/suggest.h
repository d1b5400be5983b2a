/*
 * suggest.h
 *	  "Did you mean": the known word nearest to one that nobody knows.
 */
#pragma once

typedef struct CmdSuggestion
{
	const char *wrong;
	const char *best; /* NULL: nothing near enough */
	int distance;
} CmdSuggestion;

/* Offers a word; the suggestion keeps the nearest.  The word must outlive it. */
extern void cmd_suggest(CmdSuggestion *suggestion, const char *word);
