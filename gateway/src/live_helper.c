/*
 * live_helper.c
 *	  Two queues of jobs, each with threads of its own.
 */
#include "gateway/src/live_helper.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

#define THREADS_MAX 4

/* Connecting takes a few milliseconds, mostly of the server's time for SCRAM. */
static const int line_threads[VG_LINES] = {[VG_LINE_ASK] = 4, [VG_LINE_END] = 2};

typedef struct Line
{
	pthread_mutex_t lock;
	pthread_cond_t changed;
	VgJob *first;
	VgJob **end;
	bool is_stopping;
	pthread_t threads[THREADS_MAX];
	int thread_count;
} Line;

static Line lines[VG_LINES];

static VgJob *
take(Line *line)
{
	VgJob *job;

	pthread_mutex_lock(&line->lock);
	while (line->first == NULL && !line->is_stopping)
		pthread_cond_wait(&line->changed, &line->lock);
	job = line->first;
	if (job)
	{
		line->first = job->next;
		if (line->first == NULL)
			line->end = &line->first;
	}
	pthread_mutex_unlock(&line->lock);
	return job;
}

static void *
run(void *arg)
{
	Line *line = arg;
	VgJob *job;

	while ((job = take(line)) != NULL)
	{
		job->work(job);
		vg_loop_post(&job->done);
	}
	return NULL;
}

void
vg_helper_ask(VgLine which, VgJob *job)
{
	Line *line = &lines[which];

	pthread_mutex_lock(&line->lock);
	job->next = NULL;
	*line->end = job;
	line->end = &job->next;
	pthread_cond_signal(&line->changed);
	pthread_mutex_unlock(&line->lock);
}

bool
vg_helper_start(void)
{
	sigset_t all;
	sigset_t before;
	bool ok = true;

	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (int i = 0; i < VG_LINES; i++)
	{
		Line *line = &lines[i];

		pthread_mutex_init(&line->lock, NULL);
		pthread_cond_init(&line->changed, NULL);
		line->end = &line->first;
		line->is_stopping = false;
		for (line->thread_count = 0; ok && line->thread_count < line_threads[i];)
		{
			ok = pthread_create(&line->threads[line->thread_count], NULL, run, line) == 0;
			line->thread_count += ok;
		}
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ok;
}

void
vg_helper_stop(void)
{
	for (int i = 0; i < VG_LINES; i++)
	{
		Line *line = &lines[i];

		pthread_mutex_lock(&line->lock);
		line->is_stopping = true;
		pthread_cond_broadcast(&line->changed);
		pthread_mutex_unlock(&line->lock);
		while (line->thread_count > 0)
			pthread_join(line->threads[--line->thread_count], NULL);
	}
}
