/* imgjob-worker: run by libimgjob, not by people. */
#include "pool/worker.h"

int main(int argc, char **argv)
{
    ij_worker_main(argc, argv, ij_image_run);
}
