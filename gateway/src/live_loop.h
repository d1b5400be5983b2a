/*
 * live_loop.h
 *	  The one event thread of all upgraded sockets and their connections to PostgreSQL.
 *
 * Everything that says "event thread" below is called by a callback of the loop, or by
 * a posted task; vg_loop_post() and vg_loop_stop() by any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/* How often vg_loop_start's tick is called while sockets are open. */
#define VG_LOOP_TICK_MS 250

/* Something to do on the event thread; lives inside of what it is about. */
typedef struct VgTask
{
	void (*run)(struct VgTask *task); /* may free the task */
	struct VgTask *next;			  /* the loop's, while queued */
	bool is_queued;					  /* the loop's */
} VgTask;

/* A file descriptor that the loop waits for; lives inside of what owns it. */
typedef struct VgWatch
{
	int fd;
	uint32_t events; /* EPOLLIN…; as set by vg_loop_watch */
	bool is_watched;
	void (*ready)(struct VgWatch *watch, uint32_t events);
} VgWatch;

/*
 * Starts the thread.  tick: called about every VG_LOOP_TICK_MS with the time of
 * vg_now_ms.  False with errno set when the system has no thread or epoll for us.
 */
extern bool vg_loop_start(void (*tick)(int64_t now_ms));

/* Ends the thread after the tasks that are queued, and waits for it.  Any other thread. */
extern void vg_loop_stop(void);

/* Queues a task that is not queued.  Any thread; never fails, allocates nothing. */
extern void vg_loop_post(VgTask *task);

/*
 * From now on waits for these events (level-triggered), replacing earlier ones; an
 * event set of 0 still reports EPOLLERR and EPOLLHUP.  False: errno says why.  Event
 * thread.
 */
extern bool vg_loop_watch(VgWatch *watch, uint32_t events);

/* No call of ready() comes after this, so the watch may be freed.  Event thread. */
extern void vg_loop_unwatch(VgWatch *watch);
