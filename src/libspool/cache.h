/* cache.h: how much memory and page cache this process may use. */
#ifndef CACHE_H
#define CACHE_H

#include <sys/types.h>

/* Bytes of memory that the control groups of this process (cgroups(7), both versions) allow it, or SPOOL_UNLIMITED. */
off_t	 cache_group_limit(void);

/* Bytes that a spill file, of which spilled bytes are written already, may have in the page cache before the kernel
   writes them to the disk. SPOOL_UNLIMITED where the kernel cannot be asked. */
off_t	 cache_allowance(off_t spilled);

#endif
