/* Text in HTML and JSON. What comes from logs, files and the command line is not trusted: it may hold markup. */
#ifndef TIDY_ANALYZE_REPORT_HTML_H
#define TIDY_ANALYZE_REPORT_HTML_H

#include <stdio.h>

/* Writes text as the content of an element or of an attribute in double quotes. What is not UTF-8, and control
 * characters, become U+FFFD. */
void html_text(FILE *out, const char *text);

/* Writes text as a JSON string with its quotes, which a <script> element may hold: it has no '<'. */
void html_json_string(FILE *out, const char *text);

#endif
