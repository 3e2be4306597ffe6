# setup_suite.bash: that of all bats files, for bats started by hand.

source "$(dirname "${BASH_SOURCE[0]}")/../setup_suite.bash"
