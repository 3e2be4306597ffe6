/*
 * random.c: random operations on a spool, and the same on a plain array of bytes; after each the two must agree.
 *
 * In half of the runs calls are interrupted and do less than asked, which nobody may notice. In half of them calls
 * fail: then the spool must hold what it held, and the operation, tried again, must work.
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
		/* One on a disk, so that there is direct I/O; or one that is not there. */
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
