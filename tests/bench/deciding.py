"""A worker of the backlog: once told, it decides until nothing is due."""

import django


def main() -> None:
    django.setup()
    from optionsengine.core import clock
    from optionsengine.core.enums import Intent
    from optionsengine.pipeline.enums import Stage
    from optionsengine.pipeline.runner_warm import worker_warm
    from optionsengine.pipeline.stages import stage_run
    from signals.selectors import signals_claimable

    worker_warm(at=clock.now())  # as the runner does before its workers take anything
    print("ready", flush=True)
    input()
    while signals_claimable(Intent.ENTRY).exists():
        stage_run(Stage.DECIDE, at=clock.now())
    print("done", flush=True)


if __name__ == "__main__":
    main()
