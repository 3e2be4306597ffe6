/* size.c: converts between "64M" and bytes, by libbsd's dehumanize_number and humanize_number. */
#include <config.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "size.h"

/* dehumanize_number accepts white space, signs, octal and hexadecimal, so the text is checked first. */
const char *
size_parse(const char *text, off_t *bytes)
{
	const char *digits = text + strspn(text, "0");
	size_t length = strspn(digits, "0123456789");
	const char *suffix = digits + length;
	char plain[32];
	int64_t value;

	if (*text == '\0')
		return "it is empty";
	if (*text == '-' && isdigit((unsigned char)text[1]))
		return "it is negative";
	if (suffix == text)
		return "it is not a number";
	if (*suffix == '.' || *suffix == ',')
		return "it is not a whole number";
	if (*suffix != '\0' && (strchr("KMGTPEkmgtpe", *suffix) == NULL
	    || (suffix[1] != '\0' && strcasecmp(suffix + 1, "B") != 0 && strcasecmp(suffix + 1, "iB") != 0)))
		return "unknown suffix (K, M, G, T, P and E are known)";
	if (length == 0) {
		*bytes = 0;
		return NULL;
	}
	if (length > sizeof(plain) - 2)
		return "it is too large";
	memcpy(plain, digits, length);
	plain[length] = *suffix;
	plain[length + 1] = '\0';
	if (dehumanize_number(plain, &value) == -1 || value < 0)
		return "it is too large";
	*bytes = value;
	return NULL;
}

/* Three significant digits. humanize_number finds the prefix, but gives one decimal at most. */
char *
size_format(char text[SIZE_TEXT], off_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	int scale = humanize_number(text, 7, bytes, "B", HN_GETSCALE, HN_NOSPACE | HN_IEC_PREFIXES);
	off_t unit;
	double value;

	/* LCOV_EXCL_START: every number has a prefix */
	if (scale < 0)
		scale = 0;
	/* LCOV_EXCL_STOP */
	unit = (off_t)1 << 10 * scale;
	value = (double)bytes / (double)unit;
	(void)snprintf(text, SIZE_TEXT, "%.*f%s",
	    bytes % unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2, value, units[scale]);
	return text;
}
