/* size.c: "64M" <-> bytes, by libbsd's dehumanize_number and humanize_number. */
#include <config.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "size.h"

/* dehumanize_number would take white space, a sign, octal and hexadecimal, so the text is checked first. */
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

char *
size_format(char text[SIZE_TEXT], off_t bytes)
{
	if (humanize_number(text, 7, bytes, "B", HN_AUTOSCALE, HN_DECIMAL | HN_NOSPACE | HN_IEC_PREFIXES) == -1)
		strlcpy(text, "?", SIZE_TEXT);	/* LCOV_EXCL_LINE: no number is too long for it */
	return text;
}
