# SPDX-License-Identifier: Apache-2.0
"""Makes zstd data by the libzstd that tapfeed itself needs: neither the command nor
a Python module for it is installed everywhere."""
import ctypes

LEVEL, WINDOW_LOG, CHECK_SUM = 100, 101, 201  # enum ZSTD_cParameter
END = 2  # enum ZSTD_EndDirective

SKIPPABLE = bytes.fromhex("502a4d18 04000000 01020304")  # as pzstd begins

lib = ctypes.CDLL("libzstd.so.1")
for name in ("ZSTD_createCCtx", "ZSTD_compressBound", "ZSTD_compressStream2",
             "ZSTD_CCtx_setParameter"):
    getattr(lib, name).restype = (ctypes.c_void_p if name == "ZSTD_createCCtx"
                                  else ctypes.c_size_t)


class Buffer(ctypes.Structure):
    _fields_ = [("at", ctypes.c_char_p), ("size", ctypes.c_size_t),
                ("pos", ctypes.c_size_t)]


def zstd(data, level=3, check_sum=True, window_log=0):
    """One frame; with window_log it does not tell its length, as from a pipe."""
    size = lib.ZSTD_compressBound(ctypes.c_size_t(len(data))) + 100
    space = ctypes.create_string_buffer(size)
    context = ctypes.c_void_p(lib.ZSTD_createCCtx())
    for parameter, value in ((LEVEL, level), (CHECK_SUM, int(check_sum)),
                             (WINDOW_LOG, window_log)):
        lib.ZSTD_CCtx_setParameter(context, parameter, ctypes.c_int(value))
    out = Buffer(ctypes.cast(space, ctypes.c_char_p), size, 0)
    pieces = [data[:1], data[1:]] if window_log else [data]
    for piece in pieces:
        source = Buffer(piece, len(piece), 0)
        end = END if piece is pieces[-1] else 0
        left = lib.ZSTD_compressStream2(context, ctypes.byref(out), ctypes.byref(source),
                                        ctypes.c_int(end))
        assert source.pos == source.size and (left == 0 or not end)
    lib.ZSTD_freeCCtx(context)
    return space.raw[:out.pos]
