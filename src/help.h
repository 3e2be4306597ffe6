/* help.h: the texts of --help. */
#ifndef HELP_H
#define HELP_H

/* 24 lines of at most 80 columns. */
const char *help_text(void);

/* For spool under the name of sponge. */
const char *help_as_sponge(void);

#endif
