/*
 * interrupt.c
 *	  Ctrl-C, SIGTERM and SIGHUP; and the end of a pipe.
 *
 * The handler only writes to a pipe that everybody who waits also waits for, so that no
 * signal is missed between a look at a flag and poll().
 */
#include "interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/sqlstate.h"

static int pipe_ends[2] = {-1, -1};
static volatile sig_atomic_t is_interrupted;
static bool is_reader_gone;

static void
on_signal(int signal_number)
{
	int saved = errno;

	/* Cancelling hangs, or the user has had enough. */
	if (is_interrupted)
		_exit(VC_EXIT_INTERRUPTED);
	is_interrupted = 1;
	if (write(pipe_ends[1], "x", 1) < 0)
		_exit(VC_EXIT_INTERRUPTED);
	errno = saved;
}

void
cmd_interrupt_catch(void)
{
	/* Everybody waits in poll(), which ends nevertheless; what is half written shall not. */
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	if (pipe_ends[0] >= 0)
		return;
	if (pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK) != 0)
		abort();
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

bool
cmd_interrupted(void)
{
	return is_interrupted;
}

int
cmd_interrupt_fd(void)
{
	return pipe_ends[0];
}

void
cmd_interrupt_wait(int fd, short events, int timeout_ms)
{
	struct pollfd fds[] = {
		{.fd = pipe_ends[0], .events = POLLIN},
		/* POLLERR is told without being asked for */
		{.fd = is_reader_gone ? -1 : STDOUT_FILENO},
		{.fd = fd, .events = events},
	};

	poll(fds, 3, timeout_ms);
	if (fds[1].revents & (POLLERR | POLLNVAL))
		is_reader_gone = true;
}

bool
cmd_interrupt_read(int fd, char *line, size_t size)
{
	ssize_t length;

	/* a signal between a look at the flag and read() would leave us waiting */
	cmd_interrupt_wait(fd, POLLIN, -1);
	if (is_interrupted)
		return false;
	length = read(fd, line, size - 1);
	if (length <= 0)
		return false;
	line[length] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	return true;
}

bool
cmd_reader_gone(void)
{
	return is_reader_gone;
}

int
cmd_interrupt_exit(void)
{
	if (is_reader_gone)
	{
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	return VC_EXIT_INTERRUPTED;
}
