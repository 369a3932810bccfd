/* Status codes shared by the C cores: functions return 0 or a negative code; the .pyx files turn codes into errors. */
#ifndef ZL_STATUS_H
#define ZL_STATUS_H

enum {
    ZL_OK = 0,
    ZL_ERR_MEMORY = -1,   /* an allocation failed */
    ZL_ERR_VALUE = -2,    /* an argument is out of range (the caller should have checked) */
    ZL_ERR_OVERFLOW = -3, /* a size does not fit its integer type */
    ZL_ERR_STUCK = -4,    /* too many rewrites without a token: the grammar does not get on */
    ZL_ERR_GRAMMAR = -5,  /* grammar arrays that contradict each other, or a symbol or probability out of range */
    ZL_ERR_TOKEN = -6,    /* a token id above the number of terminals */
    ZL_ERR_IMPOSSIBLE = -7 /* the grammar cannot produce this token at this place */
};

#endif
