/*
 * at.c: runs a program and, when it is about to make its Nth system call, sends it a signal, or runs a command.
 *
 *	at REPORT N -SIGNAL PROGRAM [ARG ...]	sends the signal to the process
 *	at REPORT N COMMAND PROGRAM [ARG ...]	runs sh -c COMMAND while the program stands still, then kills it
 *	at REPORT N '' PROGRAM [ARG ...]	only counts
 *
 * The calls of all threads are counted together, from the first fcntl(2) on if the environment has AT_MAIN (spool begins
 * with one; before it is the loader), and no more when another program takes the process's place. Children are left alone.
 * The file REPORT gets the number of calls that were seen, the number of the call where something was done (syscall(2),
 * -1: none) and the status of the program as waitpid(2) gives it. ptrace(2) needs Linux 5.3.
 */
#include <config.h>

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/ptrace.h>

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
	pid_t program;
	long wanted;		/* the number of the call */
	const char *action;
	bool from_main;
	bool counting;
	long seen;
	long long call;		/* where it was done, or -1 */
	int programs;		/* that the process has executed */
} run = { .call = -1 };

static void
act(void)
{
	if (*run.action == '-') {
		kill(run.program, atoi(run.action + 1));
	} else if (*run.action != '\0') {
		if (system(run.action) != 0)
			errx(125, "failed: %s", run.action);
		kill(run.program, SIGKILL);
	}
}

/* A thread stands at a system call. */
static void
stopped_at_call(pid_t thread)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, (void *)sizeof(info), &info) <= 0
	    || info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	if (!run.counting && run.from_main && run.programs == 1 && run.seen == 0)
		run.counting = info.entry.nr == SYS_fcntl;
	if (!run.counting)
		return;
	if (++run.seen != run.wanted)
		return;
	run.call = (long long)info.entry.nr;
	act();
}

/* Lets a thread that has stopped go on. */
static void
resume(pid_t thread, int status)
{
	const int event = status >> 16, signal = WSTOPSIG(status);
	int deliver = 0;

	if (signal == (SIGTRAP | 0x80)) {
		stopped_at_call(thread);
	} else if (event == PTRACE_EVENT_EXEC) {
		run.programs++;
		run.counting = run.programs == 1 && !run.from_main;
	} else if (event == 0 && signal != SIGSTOP) {
		/* SIGSTOP is how a new thread begins. */
		deliver = signal;
	}
	/* It may have been killed just now. */
	if (ptrace(run.call == -1 && run.programs < 2 ? PTRACE_SYSCALL : PTRACE_CONT, thread, NULL, deliver) == -1
	    && errno != ESRCH)
		err(125, "ptrace");
}

static void
start(char **program)
{
	int status;

	run.program = fork();
	if (run.program == -1)
		err(125, "fork");
	if (run.program == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execvp(*program, program);
		err(127, "%s", *program);
	}
	if (waitpid(run.program, &status, 0) == -1
	    || ptrace(PTRACE_SETOPTIONS, run.program, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE
	    | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) == -1
	    || ptrace(PTRACE_SYSCALL, run.program, NULL, NULL) == -1)
		err(125, "cannot trace");
}

int
main(int argc, char **argv)
{
	int status, ended = 0;
	pid_t thread;
	FILE *report;

	if (argc < 5)
		errx(2, "usage: at report number action program [argument ...]");
	run.wanted = atol(argv[2]);
	run.action = argv[3];
	run.from_main = getenv("AT_MAIN") != NULL;
	start(argv + 4);
	while ((thread = waitpid(-1, &status, __WALL)) != -1) {
		if (WIFSTOPPED(status))
			resume(thread, status);
		else if (thread == run.program)
			ended = status;
	}
	report = fopen(argv[1], "w");
	if (report == NULL || fprintf(report, "%ld %lld %d\n", run.seen, run.call, ended) < 0 || fclose(report) == EOF)
		err(125, "%s", argv[1]);
	return 0;
}
