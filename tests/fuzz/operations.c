/*
 * operations.c: fuzz target: operations on a spool, and the same on an array of bytes (tests/engine/model.c).
 *
 * The input makes the model's choices, one after the other, one to three bytes each. The first byte says where the
 * spill file goes. With megabytes goes one input in 64 of those that ask for it, so that they take no more than
 * their share of the time.
 *
 *	FUZZ_MEMORY	a directory in memory, /dev/shm if unset
 *	FUZZ_DISK	a directory on a disk that has direct I/O, /var/tmp if unset
 */
#include <config.h>

#include "fuzz.h"
#include "model.h"
#include "rough.h"

static const uint8_t *rest;
static size_t left;

unsigned
model_choose(unsigned below)
{
	unsigned number = 0;

	for (unsigned range = 1; range < below; range <<= 8) {
		number <<= 8;
		if (left > 0) {
			number |= *rest++;
			left--;
		}
	}
	return number % below;
}

bool
model_goes_on(void)
{
	return left > 0;
}

static const char *
directory(const char *variable, const char *usual)
{
	const char *value = getenv(variable);

	return value != NULL && *value != '\0' ? value : usual;
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	const uint32_t hash = fuzz_hash(input, size);
	struct model_options options = { .name = "this input" };
	unsigned place;

	rest = input;
	left = size;
	rough_seed(hash);
	place = model_choose(256);
	options.large = place >= 128 && hash % 64 == 0;
	if (place % 16 == 0)
		options.directory = "/nonexistent";
	else if (options.large || place % 16 == 1)
		options.directory = directory("FUZZ_DISK", "/var/tmp");
	else
		options.directory = directory("FUZZ_MEMORY", "/dev/shm");
	model_run(&options);
	return 0;
}
