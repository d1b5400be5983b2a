/*
 * live_loop.c
 *	  epoll, and tasks posted from other threads.
 *
 * One thread is enough: a socket costs it only what it sends, and whatever could block
 * (connecting, cancelling, asking for type names) is done by the threads of
 * live_helper.c, which post their results here.  So nothing of a socket or a query
 * needs a lock.
 *
 * Tasks are run in the order in which they were posted, a round of them between two
 * looks at epoll: a task that posts itself again lets everybody else have a turn.
 */
#include "gateway/src/live_loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gateway/src/memory.h"

#define EVENTS_A_ROUND 64

static struct
{
	int epoll_fd;
	int wake_fd; /* an eventfd */
	pthread_t thread;
	void (*tick)(int64_t now_ms);
	int64_t ticked_at;

	/* The round being worked off; entries of removed watches become NULL. */
	struct epoll_event round[EVENTS_A_ROUND];
	int round_size;

	pthread_mutex_t lock; /* of what follows */
	VgTask *first;
	VgTask **end;
	bool is_stopping;
} loop = {.epoll_fd = -1, .wake_fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER, .end = &loop.first};

static void
wake(void)
{
	uint64_t one = 1;

	/* It fails only when the counter is full, and then it wakes as well. */
	while (write(loop.wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void
vg_loop_post(VgTask *task)
{
	bool was_empty;

	pthread_mutex_lock(&loop.lock);
	was_empty = loop.first == NULL;
	if (!task->is_queued)
	{
		task->is_queued = true;
		task->next = NULL;
		*loop.end = task;
		loop.end = &task->next;
	}
	pthread_mutex_unlock(&loop.lock);
	if (was_empty)
		wake();
}

/* The first task, or NULL; *last: the one that ends this round, when it is NULL. */
static VgTask *
take_task(VgTask **last)
{
	VgTask *task;

	pthread_mutex_lock(&loop.lock);
	task = loop.first;
	if (task)
	{
		if (*last == NULL)
			for (*last = task; (*last)->next; *last = (*last)->next)
				;
		loop.first = task->next;
		if (loop.first == NULL)
			loop.end = &loop.first;
		task->is_queued = false;
	}
	pthread_mutex_unlock(&loop.lock);
	return task;
}

static void
run_tasks(void)
{
	VgTask *last = NULL;
	VgTask *task;

	while ((task = take_task(&last)) != NULL)
	{
		bool is_last = task == last; /* it may free itself */

		task->run(task);
		if (is_last)
			break;
	}
}

static bool
has_tasks(void)
{
	bool has;

	pthread_mutex_lock(&loop.lock);
	has = loop.first != NULL;
	pthread_mutex_unlock(&loop.lock);
	return has;
}

static bool
is_over(void)
{
	bool over;

	pthread_mutex_lock(&loop.lock);
	over = loop.is_stopping && loop.first == NULL;
	pthread_mutex_unlock(&loop.lock);
	return over;
}

static void
run_events(int timeout_ms)
{
	uint64_t count;
	int n = epoll_wait(loop.epoll_fd, loop.round, EVENTS_A_ROUND, timeout_ms);

	loop.round_size = n > 0 ? n : 0;
	for (int i = 0; i < loop.round_size; i++)
	{
		VgWatch *watch = loop.round[i].data.ptr;

		if (loop.round[i].data.ptr == &loop)
			while (read(loop.wake_fd, &count, sizeof(count)) < 0 && errno == EINTR)
				;
		else if (watch)
			watch->ready(watch, loop.round[i].events);
	}
	loop.round_size = 0;
}

static void *
run(void *arg)
{
	while (!is_over())
	{
		int64_t now;

		run_events(has_tasks() ? 0 : VG_LOOP_TICK_MS);
		run_tasks();
		now = vg_now_ms();
		if (now - loop.ticked_at >= VG_LOOP_TICK_MS)
		{
			loop.ticked_at = now;
			loop.tick(now);
		}
	}
	return NULL;
}

bool
vg_loop_start(void (*tick)(int64_t now_ms))
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &loop};
	sigset_t all;
	sigset_t before;
	int error;

	loop.tick = tick;
	loop.is_stopping = false;
	loop.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop.epoll_fd < 0 || loop.wake_fd < 0 ||
		epoll_ctl(loop.epoll_fd, EPOLL_CTL_ADD, loop.wake_fd, &event) < 0)
		return false;
	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&loop.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return error == 0;
}

void
vg_loop_stop(void)
{
	pthread_mutex_lock(&loop.lock);
	loop.is_stopping = true;
	pthread_mutex_unlock(&loop.lock);
	wake();
	pthread_join(loop.thread, NULL);
	close(loop.epoll_fd);
	close(loop.wake_fd);
}

bool
vg_loop_watch(VgWatch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	if (watch->is_watched && watch->events == events)
		return true;
	if (epoll_ctl(loop.epoll_fd, watch->is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch->fd,
				  &event) < 0)
		return false;
	watch->is_watched = true;
	watch->events = events;
	return true;
}

void
vg_loop_unwatch(VgWatch *watch)
{
	if (!watch->is_watched)
		return;
	(void) epoll_ctl(loop.epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->is_watched = false;
	for (int i = 0; i < loop.round_size; i++)
		if (loop.round[i].data.ptr == watch)
			loop.round[i].data.ptr = NULL;
}
