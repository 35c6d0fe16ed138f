/* Gives a file that is whole its name. */
#ifndef TIDY_COMMON_MOVE_FILE_H
#define TIDY_COMMON_MOVE_FILE_H

/* Moves a file within its file system to a name that nothing may have. Returns 0 or an errno: EEXIST where something
 * has the name, also where it came to be just now. */
int move_file_to_new(const char *from, const char *to);

#endif
