/* Files of labels, one for each sample of a data set: what `clean` writes, and `train` and `import` read. */
#ifndef TIDY_COMMON_LABEL_FILE_H
#define TIDY_COMMON_LABEL_FILE_H

#include <stdbool.h>
#include <stdint.h>

/* Stands for a sample that is left out (-1 in IDX and NPY, absent or -1 in TSV and CSV). */
enum { LABEL_LEFT_OUT = UINT16_MAX };

/* Reads by what the file is, not by its name: IDX of one dimension (plain or .gz; u8, or i16 or i32 where -1
 * leaves out), NPY of one dimension and any type (of whole numbers), or text (plain or .gz): a line a sample, its
 * index and label first, separated by tab or comma, '#' and a header line skipped; a sample without a line is left
 * out. *out has `samples` labels, freed by the caller. classes 0: any label below 65535. Errors: unreadable,
 * another length (says both), a label outside the classes (says which sample), a sample twice. */
int label_file_read(uint16_t **out, const char *path, uint64_t samples, uint32_t classes);

enum label_format { LABEL_IDX, LABEL_NPY, LABEL_TSV, LABEL_CSV };

/* The format that the name's ending says: .idx, .npy, .tsv, .csv. Error: another ending. */
int label_file_format(enum label_format *out, const char *path);

/* Writes the file whole or not at all (common/output_file.h), over one that is there only with `force`.
 * class_names: [classes] for CSV's column `name`, or NULL.
 * IDX has the smallest type that holds all: u8, i16, i32; NPY has int64, as PyTorch's losses want. */
int label_file_write(const char *path, enum label_format format, const uint16_t *labels, uint64_t samples,
                     uint32_t classes, const char *const *class_names, bool force);

/* Names of classes, a line each; freed with free(*out), one block. Error: not `classes` lines. */
int class_names_read(const char *const **out, const char *path, uint32_t classes);

/* The same as a text of as many lines, as logs have it; the caller frees it. */
int class_names_read_text(char **out, const char *path, uint32_t classes);

/* The same of a file with a line for each class that has a name: its number and the codes of one or several ASCII
 * characters ("10 65 97" is "A/a"), as EMNIST's *-mapping.txt. Lines of others are empty. Errors: other text, a class
 * that is not below `classes` or comes twice. */
int class_names_read_mapping(char **out, const char *path, uint32_t classes);

#endif
