/*
 * xstate.c: is loaded into user-mode Linux before libc (LD_PRELOAD), so that it runs on processors with more registers.
 *
 * Linux 6.1 as a process has room for 2696 bytes of each of its processes' vector registers. On a processor with AMX
 * there are about 11,000, and ptrace(2) refuses to set less than all of them. Here all are read first, and those that
 * user-mode Linux knows are changed.
 */
#define _GNU_SOURCE
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

typedef long function(enum __ptrace_request request, ...);

static long
transfer(function *real, enum __ptrace_request request, pid_t pid, void *kind, struct iovec *known)
{
	static char bytes[1 << 16];
	struct iovec all = { bytes, sizeof(bytes) };
	long result = real(PTRACE_GETREGSET, pid, kind, &all);

	if (result == -1)
		return -1;
	if (known->iov_len > all.iov_len)
		known->iov_len = all.iov_len;
	if (request == PTRACE_GETREGSET) {
		memcpy(known->iov_base, bytes, known->iov_len);
		return result;
	}
	memcpy(bytes, known->iov_base, known->iov_len);
	return real(PTRACE_SETREGSET, pid, kind, &all);
}

long
ptrace(enum __ptrace_request request, ...)
{
	static function *real;
	va_list list;
	pid_t pid;
	void *address, *data;

	va_start(list, request);
	pid = va_arg(list, pid_t);
	address = va_arg(list, void *);
	data = va_arg(list, void *);
	va_end(list);
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "ptrace");
	if ((request == PTRACE_GETREGSET || request == PTRACE_SETREGSET) && (uintptr_t)address == NT_X86_XSTATE)
		return transfer(real, request, pid, address, data);
	return real(request, pid, address, data);
}
