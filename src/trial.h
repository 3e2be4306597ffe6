/* trial.h: --try: runs CMD when the new file is in its place, and decides whether it stays. */
#ifndef TRIAL_H
#define TRIAL_H

struct job;

/*
 * An exit status: STATUS_DONE if the new file stays; STATUS_REFUSED if CMD has failed, and the old file is back;
 * STATUS_FAILED after other failures. Needs target_is_on_trial(). The signals, which the caller holds, act only while CMD
 * runs.
 */
int	trial_run(const struct job *job);

#endif
