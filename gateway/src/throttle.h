/*
 * throttle.h
 *	  Slows down who guesses passwords.
 */
#pragma once

/* Milliseconds that this address must still wait before it may try; 0: it may. */
extern int vg_throttle_wait(const char *address);

/* A log-in from this address failed. */
extern void vg_throttle_failed(const char *address);
