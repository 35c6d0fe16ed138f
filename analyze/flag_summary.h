/* What `flag` says on stderr beside its list. */
#ifndef TIDY_ANALYZE_FLAG_SUMMARY_H
#define TIDY_ANALYZE_FLAG_SUMMARY_H

#include "analyze/suspects.h"

/* Says how many wrong labels to expect among the suspects: by planted controls where the log has them and neither a
 * budget nor a review is given, else by the probabilities of PROBABILITY_SCORE; nothing where the score is another one.
 * Errors: the estimate's, no memory. */
int flag_say_what_to_expect(struct suspects *suspects, const struct suspects_request *request);

#endif
