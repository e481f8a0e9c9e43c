"""What the task library runs: one task, to work on one video."""

from __future__ import annotations

from django_tasks import task


@task(queue_name="videos")
def analyse_video(pk: int) -> None:
    """Analyses a video that waits. Never raises: what goes wrong stands in the video's row."""
    from analytics.videos.runner import run_job

    run_job(pk)
