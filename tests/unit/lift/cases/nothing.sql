 -- only a comment
;;/* x */