/* private.c: the private directory of a named file, with its messages. */
#include <config.h>

#include <errno.h>
#include <string.h>

#include "job.h"
#include "message.h"
#include "named.h"
#include "options.h"
#include "preflight.h"
#include "private.h"
#include "signals.h"
#include "spool.h"

/* With -o, only target_prepare() tells whether the default spill directory is needed. */
static int
check_spill_directory(const struct job *job, const char *directory)
{
	if (job->sink != TO_FILE || job->options->directory != NULL)
		return STATUS_DONE;
	return preflight_check_directory(directory);
}

int
private_begin(struct job *job, struct named **named, const char *directory, const char *template, const char *name)
{
	if (directory == NULL) {
		directory = spool_directory(job->options->directory);
		template = "spool-XXXXXX";
		if (check_spill_directory(job, directory) != STATUS_DONE)
			return STATUS_FAILED;
	}
	if (!named_is_safe(directory)) {
		message("%s: any user can rename files there, so {} would not be safe; "
		    "use -T to choose another directory; nothing was read", directory);
		return STATUS_FAILED;
	}
	signals_hold();
	*named = named_create(directory, template, name);
	signals_release();
	if (*named != NULL)
		return STATUS_DONE;
	message("%s: cannot make a directory for {} there: %s; nothing was read", directory, strerror(errno));
	return STATUS_FAILED;
}

void
private_remove(struct named *named)
{
	if (named_remove(named) == -1)
		message("%s: cannot remove: %s", named_left(named), strerror(errno));
}

void
private_end(struct named **named)
{
	private_remove(*named);
	named_close(*named);
	*named = NULL;
}
