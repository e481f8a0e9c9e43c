"""An RTSP camera on loopback: GStreamer's RTSP server, run by Debian's own Python, which has its bindings (tests/rtsp_server.py).

usage: python3 rtsp_camera.py VIDEO [USER PASSWORD]

Prints its port, and then for every packet that goes out the place in the video and the time on the clock, both in seconds.
"""

import sys
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - versions come first


def say(*words: object) -> None:
    print(*words, flush=True)  # noqa: T201


class Camera(GstRtspServer.RTSPMediaFactory):
    """The video from its beginning for each client, sent as it was recorded: not encoded again."""

    def __init__(self, video: str) -> None:
        super().__init__()
        self.set_launch(f'( filesrc location="{video}" ! qtdemux ! rtph264pay name=pay0 pt=96 )')
        self.connect("media-configure", self._follow)

    def _follow(self, _factory: object, media: object) -> None:
        pad = media.get_element().get_by_name("pay0").get_static_pad("src")
        pad.add_probe(Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST, self._sent)

    def _sent(self, _pad: object, info: object) -> object:
        # What leaves the payloader is sent once its time has come; the time is that of the pipeline's first buffer plus this.
        buffer = info.get_buffer_list().get(0) if info.type & Gst.PadProbeType.BUFFER_LIST else info.get_buffer()
        say("sent", buffer.pts / Gst.SECOND, time.time())
        return Gst.PadProbeReturn.OK


def main() -> None:
    Gst.init(None)
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service="0")
    camera = Camera(sys.argv[1])
    if len(sys.argv) > 2:
        login = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        login.set_supported_methods(2)  # digest
        login.add_digest(sys.argv[2], sys.argv[3], token)
        server.set_auth(login)
        role = GstRtspServer.RTSPPermissions()
        role.add_permission_for_role("viewer", "media.factory.access", True)
        role.add_permission_for_role("viewer", "media.factory.construct", True)
        camera.set_permissions(role)
    server.get_mount_points().add_factory("/live", camera)
    server.attach(None)
    say("port", server.get_bound_port())
    GLib.MainLoop().run()


main()
