// A descriptor that becomes readable when a child ends, for kernels without pidfds.
#pragma once

namespace furrow::os {

// Readable once the child PID of this process has ended; it is not reaped. The caller closes it, before or after that.
// -1, with errno, if it cannot be made. It costs a thread for each child.
int notice_of_end(int pid);

}  // namespace furrow::os
