/*
 * random.c: does the same random operations on a spool and on an array of bytes. After each the two must agree.
 *
 * In half of the runs calls are interrupted and counts are short, which must have no visible effect. In half
 * of the runs calls fail: then the contents of the spool must be as before, and the operation must work when tried
 * again.
 *
 *	model [SEED [RUNS]]
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "model.h"
#include "rough.h"
#include "spool.h"
#include "test.h"

static unsigned first = 1, runs = 1500, operations;

unsigned
model_choose(unsigned below)
{
	return rough_random(below);
}

bool
model_goes_on(void)
{
	return operations-- > 0;
}

static void
all(void)
{
	int before = test_descriptors();

	for (unsigned i = 0; i < runs; i++) {
		char name[32];
		struct model_options options = { .name = name };

		snprintf(name, sizeof(name), "seed %u", first + i);
		rough_seed(first + i);
		for (int k = 0; k < 10; k++)
			(void)rough_random(2);
		operations = 1 + rough_random(40);
		options.large = rough_random(100) == 0;
		/* On a disk, so that there is direct I/O; or missing. */
		options.directory = rough_random(20) == 0 ? "/nonexistent" : spool_directory(NULL);
		model_run(&options);
	}
	CHECK(test_descriptors() == before);
	printf("# seeds %u to %u, %u calls seen\n", first, first + runs - 1, rough_count);
	CHECK(rough_count > runs);
}

int
main(int argc, char **argv)
{
	static const struct test tests[] = { { "random operations agree with an array of bytes", all } };

	if (argc > 1)
		first = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		runs = (unsigned)strtoul(argv[2], NULL, 10);
	return test_main("model.c", tests, 1);
}
