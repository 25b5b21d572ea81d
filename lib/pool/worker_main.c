/* imgjob-worker: run by libimgjob, not by people. */
#include "pool/worker.h"

int main(int argc, char **argv)
{
    const struct ij_worker_trade trade = { &ij_image_ops, ij_image_run };
    ij_worker_main(argc, argv, &trade);
}
