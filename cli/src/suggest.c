/*
 * suggest.c
 *	  Edit distance with transpositions, which are what fingers do most.
 */
#include "suggest.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* Longer words are not suggested: nobody's command is so long. */
#define WORD_MAX 40

static int
least(int a, int b)
{
	return a < b ? a : b;
}

static int
distance(const char *a, const char *b)
{
	int la = strlen(a);
	int lb = strlen(b);
	int d[WORD_MAX + 1][WORD_MAX + 1];

	if (la > WORD_MAX || lb > WORD_MAX)
		return INT_MAX;
	for (int i = 0; i <= la; i++)
		d[i][0] = i;
	for (int j = 0; j <= lb; j++)
		d[0][j] = j;
	for (int i = 1; i <= la; i++)
		for (int j = 1; j <= lb; j++)
		{
			int change = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			d[i][j] = least(change, least(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	return d[la][lb];
}

void
cmd_suggest(CmdSuggestion *suggestion, const char *word)
{
	int length = strlen(suggestion->wrong);
	/* A third of the word may be wrong; the start of a word is near to all of it. */
	bool begins = length >= 3 && strncmp(word, suggestion->wrong, length) == 0;
	int near = begins ? 1 : distance(suggestion->wrong, word);

	if (near > 1 + length / 3)
		return;
	if (suggestion->best == NULL || near < suggestion->distance)
	{
		suggestion->best = word;
		suggestion->distance = near;
	}
}
