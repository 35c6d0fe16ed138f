/* A library in place of one of CUDA's: what the test needs of it is that it can be missing. */
int fake_library(void);

int fake_library(void)
{
    return 0;
}
