/*
 * progress.h
 *	  How far a live query has come, told to the client that runs it.
 */
#pragma once

#include "api/session.h"

/*
 * Inside the transaction of a batch, behind it: tells the client if it asked for that
 * (setting velo.progress_interval) and the time has come.
 */
extern void velo_api_progress(VeloQuery *query);
