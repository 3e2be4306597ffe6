/*
 * msan.c: tells the memory sanitizer what functions have written that it does not know: libbsd's, which are not built
 * with it, and statx. What they give would look as if it had never been written. Linked into the build for that
 * sanitizer only: ld's --wrap puts these functions before libbsd's.
 */
#include <config.h>

#include <sys/stat.h>
#include <sys/syscall.h>

#include <sanitizer/msan_interface.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

size_t	__real_strlcpy(char *to, const char *from, size_t size);
size_t	__real_strlcat(char *to, const char *from, size_t size);
int	__real_dehumanize_number(const char *text, int64_t *number);
long long __real_strtonum(const char *text, long long least, long long most, const char **wrong);
int	__real_humanize_number(char *text, size_t size, int64_t number, const char *suffix, int scale, int flags);

size_t	__wrap_strlcpy(char *to, const char *from, size_t size);
size_t	__wrap_strlcat(char *to, const char *from, size_t size);
int	__wrap_dehumanize_number(const char *text, int64_t *number);
long long __wrap_strtonum(const char *text, long long least, long long most, const char **wrong);
int	__wrap_humanize_number(char *text, size_t size, int64_t number, const char *suffix, int scale, int flags);

/* What is read has to have been written, here as well. */
static void
check_text(const char *text)
{
	__msan_check_mem_is_initialized(text, strlen(text) + 1);
}

size_t
__wrap_strlcpy(char *to, const char *from, size_t size)
{
	const size_t length = __real_strlcpy(to, from, size);

	check_text(from);
	if (size > 0)
		__msan_unpoison(to, (length < size ? length : size - 1) + 1);
	return length;
}

size_t
__wrap_strlcat(char *to, const char *from, size_t size)
{
	size_t length;

	check_text(from);
	check_text(to);
	length = __real_strlcat(to, from, size);
	__msan_unpoison(to, (length < size ? length : size - 1) + 1);
	return length;
}

int
__wrap_dehumanize_number(const char *text, int64_t *number)
{
	const int result = __real_dehumanize_number(text, number);

	check_text(text);
	if (result == 0)
		__msan_unpoison(number, sizeof(*number));
	return result;
}

long long
__wrap_strtonum(const char *text, long long least, long long most, const char **wrong)
{
	const long long result = __real_strtonum(text, least, most, wrong);

	check_text(text);
	__msan_unpoison(wrong, sizeof(*wrong));
	return result;
}

int
__wrap_humanize_number(char *text, size_t size, int64_t number, const char *suffix, int scale, int flags)
{
	const int length = __real_humanize_number(text, size, number, suffix, scale, flags);

	if (length >= 0)
		__msan_unpoison(text, (size_t)length + 1);
	return length;
}

/* In libc's place. It is not wrapped, since the model wraps it already. */
int
statx(int directory, const char *name, int flags, unsigned mask, struct statx *status)
{
	const int result = (int)syscall(SYS_statx, directory, name, flags, mask, status);

	if (result == 0)
		__msan_unpoison(status, sizeof(*status));
	return result;
}
