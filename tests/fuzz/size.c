/*
 * size.c: fuzz target: size_parse() and size_format() against the same reckoned plainly.
 *
 * The input is the text of a size; its first eight bytes are a number, too.
 */
#include <config.h>

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

/* Digits, then a letter, then b or ib, in either case. *value: at most 2^64, which is too large. */
static bool
is_size(const char *text, unsigned __int128 *value)
{
	const unsigned __int128 most = (unsigned __int128)1 << 64;
	unsigned power;

	*value = 0;
	if (!is_digit(*text))
		return false;
	for (; is_digit(*text); text++) {
		*value = *value * 10 + (unsigned)(*text - '0');
		if (*value > most)
			*value = most;
	}
	if (*text == '\0')
		return true;
	power = power_of(*text++);
	if (power == 0)
		return false;
	while (power-- > 0) {
		*value *= 1024;
		if (*value > most)
			*value = most;
	}
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
	unsigned __int128 value;

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

/* The text, read again, must be the number, but for what rounding to the last digit takes, and before that the cutting
   of the number to 1024ths of the unit. */
static void
check_format(off_t bytes)
{
	char text[SIZE_TEXT];
	const char *at = text;
	unsigned __int128 unit = 1, tenths = 0, exact;

	memset(text, 'x', sizeof(text));
	MUST(size_format(text, bytes) == text);
	MUST(memchr(text, '\0', sizeof(text)) != NULL);
	MUST(is_digit(*at));
	while (is_digit(*at))
		tenths = tenths * 10 + (unsigned)(*at++ - '0') * 10U;
	if (*at == '.') {
		MUST(is_digit(at[1]));
		tenths += (unsigned)(at[1] - '0');
		at += 2;
	} else {
		unit = 10;	/* rounded to whole ones, not to tenths */
	}
	exact = (unsigned __int128)bytes * 10;
	if (*at == 'B') {
		MUST(tenths == exact);
	} else {
		unsigned __int128 scale = (unsigned __int128)1 << (10 * power_of(*at)), shown = tenths * scale;

		MUST(power_of(*at) > 0 && at[1] == 'i');
		MUST((shown > exact ? shown - exact : exact - shown) * 2 <= unit * scale + scale * 20 / 1024);
		at += 2;
	}
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
