/*
 * size.c: fuzz target: size_parse() and size_format() against the same reckoned plainly.
 *
 * The input is the text of a size; its first eight bytes are a number, too.
 */
#include <config.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "size.h"

static const char letters[] = "KMGTPE";

/* The place of a letter in the list, from 1 on, in either case; 0: it is not there. */
static unsigned
power_of(char letter)
{
	for (unsigned i = 0; letters[i] != '\0'; i++)
		if (letter == letters[i] || letter == letters[i] - 'A' + 'a')
			return i + 1;
	return 0;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A product and a sum, or the largest number if they are larger. */
static uint64_t
multiply(uint64_t a, uint64_t b, uint64_t more)
{
	uint64_t result;

	if (__builtin_mul_overflow(a, b, &result) || __builtin_add_overflow(result, more, &result))
		return UINT64_MAX;
	return result;
}

/* Digits, then a letter, then b or ib, in either case. */
static bool
is_size(const char *text, uint64_t *value)
{
	unsigned power;

	*value = 0;
	if (!is_digit(*text))
		return false;
	for (; is_digit(*text); text++)
		*value = multiply(*value, 10, (unsigned)(*text - '0'));
	if (*text == '\0')
		return true;
	power = power_of(*text++);
	if (power == 0)
		return false;
	while (power-- > 0)
		*value = multiply(*value, 1024, 0);
	if (*text == 'i' || *text == 'I') {
		text++;
		if (*text == '\0')
			return false;
	}
	if (*text == 'b' || *text == 'B')
		text++;
	return *text == '\0';
}

static void
check_parse(const char *text)
{
	const off_t before = 12345;
	off_t bytes = before;
	const char *wrong = size_parse(text, &bytes);
	uint64_t value;

	if (is_size(text, &value)) {
		if (value <= INT64_MAX) {
			MUST(wrong == NULL);
			MUST(bytes == (off_t)value);
			return;
		}
		MUST(wrong != NULL && strcmp(wrong, "it is too large") == 0);
	} else {
		MUST(wrong != NULL && *wrong != '\0');
		MUST((strcmp(wrong, "it is empty") == 0) == (*text == '\0'));
		MUST((strcmp(wrong, "it is negative") == 0) == (*text == '-' && is_digit(text[1])));
		MUST(strcmp(wrong, "it is too large") != 0);
	}
	MUST(bytes == before);
}

/* The text, read again, must be the number, rounded to the last of its three digits. */
static void
check_format(off_t bytes)
{
	char text[SIZE_TEXT];
	const char *at = text;
	off_t shown = 0, last = 100;	/* in hundredths: what is shown, and what its last digit counts */
	off_t unit = 1;
	size_t digits = 0;

	memset(text, 'x', sizeof(text));
	MUST(size_format(text, bytes) == text);
	MUST(memchr(text, '\0', sizeof(text)) != NULL);
	MUST(is_digit(*at));
	for (; is_digit(*at); digits++)
		shown = shown * 10 + (*at++ - '0') * 100;
	if (*at == '.') {
		MUST(is_digit(*++at));
		for (; is_digit(*at); digits++) {
			last /= 10;
			shown += (*at++ - '0') * last;
		}
		MUST(digits == 3);
	}
	MUST(digits <= 3 || shown == 100000);
	if (*at != 'B') {
		const unsigned power = power_of(*at);

		MUST(power > 0 && at[1] == 'i');
		unit <<= 10 * power;
		at += 2;
	}
	MUST(fabsl((long double)shown - (long double)bytes * 100 / (long double)unit) <= (long double)last / 2 + 1e-6L);
	MUST(strcmp(at, "B") == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static char text[4096];
	uint64_t number = 0;

	if (size >= sizeof(text))
		return -1;
	memcpy(text, input, size);
	text[size] = '\0';
	check_parse(text);
	for (size_t i = 0; i < size && i < 8; i++)
		number = number << 8 | input[i];
	check_format((off_t)(number & INT64_MAX));
	check_format((off_t)((number & INT64_MAX) >> (number % 63)));
	return 0;
}
