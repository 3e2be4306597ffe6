/* fuzz.h: what the fuzz targets share. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer's name for a target: https://llvm.org/docs/LibFuzzer.html */
int	LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

#define MUST(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/* A number that belongs to an input, for what is to be done with one input and not with the next (FNV-1a). */
static inline uint32_t
fuzz_hash(const uint8_t *input, size_t size)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < size; i++)
		hash = (uint32_t)((uint64_t)(hash ^ input[i]) * 16777619U);
	return hash;
}

#endif
