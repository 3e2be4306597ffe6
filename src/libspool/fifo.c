/* fifo.c: bytes in memory, as a list of chunks. A chunk that was emptied is used again. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "fifo.h"

struct fifo_chunk {
	struct fifo_chunk *next;
	size_t begin, end;		/* the bytes of data that are held */
	char data[(128 << 10) - 64];	/* with the rest of it, and malloc(3)'s, no more than whole pages */
};

/* Appends an empty chunk. NULL: ENOMEM. */
static struct fifo_chunk *
add_chunk(struct fifo *fifo)
{
	struct fifo_chunk *chunk = fifo->spare;

	if (chunk != NULL)
		fifo->spare = chunk->next;
	else if ((chunk = malloc(sizeof(*chunk))) == NULL)
		return NULL;
	chunk->next = NULL;
	chunk->begin = chunk->end = 0;
	if (fifo->last == NULL)
		fifo->first = chunk;
	else
		fifo->last->next = chunk;
	fifo->last = chunk;
	return chunk;
}

static void
remove_first(struct fifo *fifo)
{
	struct fifo_chunk *chunk = fifo->first;

	fifo->first = chunk->next;
	if (fifo->first == NULL)
		fifo->last = NULL;
	chunk->next = fifo->spare;
	fifo->spare = chunk;
}

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t
fifo_put(struct fifo *fifo, const char *data, size_t length)
{
	size_t left = length;

	while (left > 0) {
		struct fifo_chunk *chunk = fifo->last;
		size_t n;

		if ((chunk == NULL || chunk->end == sizeof(chunk->data)) && (chunk = add_chunk(fifo)) == NULL)
			break;
		n = smaller(left, sizeof(chunk->data) - chunk->end);
		memcpy(chunk->data + chunk->end, data, n);
		chunk->end += n;
		data += n;
		left -= n;
	}
	fifo->size += (off_t)(length - left);
	return length - left;
}

size_t
fifo_get(struct fifo *fifo, char *data, size_t length)
{
	size_t left = length;

	while (left > 0 && fifo->first != NULL) {
		struct fifo_chunk *chunk = fifo->first;
		const size_t n = smaller(left, chunk->end - chunk->begin);

		memcpy(data, chunk->data + chunk->begin, n);
		chunk->begin += n;
		data += n;
		left -= n;
		if (chunk->begin == chunk->end)
			remove_first(fifo);
	}
	fifo->size -= (off_t)(length - left);
	return length - left;
}

static void
free_list(struct fifo_chunk *chunk)
{
	while (chunk != NULL) {
		struct fifo_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
}

void
fifo_free(struct fifo *fifo)
{
	free_list(fifo->first);
	free_list(fifo->spare);
	*fifo = (struct fifo){ .size = 0 };
}
