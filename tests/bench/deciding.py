"""A worker of the backlog: once told, it decides until nothing is due."""

import django


def main() -> None:
    django.setup()
    from optionsengine.core import clock
    from optionsengine.pipeline.enums import Stage
    from optionsengine.pipeline.stages import stage_run

    print("ready", flush=True)
    input()
    while stage_run(Stage.DECIDE, at=clock.now()).claimed:
        pass
    print("done", flush=True)


if __name__ == "__main__":
    main()
