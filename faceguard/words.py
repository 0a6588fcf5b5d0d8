"""Every reason of refusal as a sentence for people, in Chinese and English."""

from typing import Literal, NamedTuple

from faceguard.result import Why

Language = Literal["zh", "en"]


class Sentence(NamedTuple):
    """The same statement in both languages of the project."""

    zh: str
    en: str


SENTENCES = {
    Why.UNREADABLE: Sentence("图片已损坏，无法读取。", "The picture is damaged and cannot be read."),
    Why.UNSUPPORTED_FORMAT: Sentence(
        "不支持此文件格式；可用格式：JPEG、PNG、WebP、GIF、BMP、TIFF、AVIF（安装 hubgate[heic] 后还有 HEIC）。",
        "This file format is not supported; use JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF (and HEIC with hubgate[heic]).",
    ),
    Why.NOT_INSTALLED: Sentence(
        "读取此格式需要可选组件：HEIC 需安装 hubgate[heic]，Parquet 需安装 hubgate[parquet]。",
        "This format needs an optional package: install hubgate[heic] for HEIC, hubgate[parquet] for Parquet.",
    ),
    Why.MEDICAL_SCAN: Sentence(
        "医学影像（DICOM、NIfTI）可能含有姓名，也可据此重建面部，因此一律不提供预览。",
        "Medical scans (DICOM, NIfTI) can hold names and be turned into faces; they are never previewed.",
    ),
    Why.DOCUMENT: Sentence(
        "SVG、PDF、PSD 文件可能内嵌其他图片，因此不提供预览；请导出为 JPEG 或 PNG。",
        "SVG, PDF and PSD files can hold further pictures, so they are not previewed; export a JPEG or PNG.",
    ),
    Why.CAMERA_RAW: Sentence(
        "相机原始文件内嵌未遮盖的缩略图，因此不提供预览；请导出为 JPEG 或 PNG。",
        "Raw camera files hold further, unblurred pictures, so they are not previewed; export a JPEG or PNG.",
    ),
    Why.ENCRYPTED: Sentence(
        "内容已加密，无法查看；请改用未加密的文件。",
        "It is encrypted and cannot be looked into; use a file that is not.",
    ),
    Why.NESTED_ARCHIVE: Sentence(
        "不打开压缩包中的压缩包；请展开内层的包。", "An archive inside an archive is not opened; unpack the inner one."
    ),
    Why.UNSAFE_NAME: Sentence(
        "包内文件名指向包外或含有不可见字符；请重新打包并使用普通相对路径。",
        "A name in the archive points out of it or holds control characters; pack it anew with plain relative names.",
    ),
    Why.DAMAGED_ARCHIVE: Sentence(
        "包已损坏，或其目录与内容不符；请重新打包。",
        "The archive is damaged, or its directory does not tell the truth; pack it anew.",
    ),
    Why.UNSUPPORTED_PACKING: Sentence(
        "此压缩方式无法按范围读取；请使用未压缩的 tar，或普通（deflate）的 zip。",
        "Packed in a way that cannot be read by range; use a tar without compression, or an ordinary zip (deflate).",
    ),
    Why.NO_PICTURES: Sentence("其中没有找到可预览的图片。", "No pictures that could be previewed were found inside."),
    Why.UNREADABLE_FILM: Sentence(
        "视频无法读取；可用格式：MP4、MOV、WebM、MKV、AVI、MPEG。",
        "The film cannot be read; use MP4, MOV, WebM, MKV, AVI or MPEG.",
    ),
    Why.UNSUPPORTED_PIXELS: Sentence(
        "不支持此像素类型（例如浮点图像）。", "This kind of pixel (floating point, for example) is not supported."
    ),
    Why.TRUNCATED: Sentence("图片文件不完整。", "The picture file is cut short."),
    Why.TOO_LARGE: Sentence("图片文件过大。", "The picture file is too large."),
    Why.TOO_MANY_PIXELS: Sentence("图片的像素过多。", "The picture has too many pixels."),
    Why.MOSTLY_COVERED: Sentence(
        "人脸占据图片的大部分，遮盖后已无可展示的内容。",
        "Faces fill most of the picture; once covered there is nothing left to show.",
    ),
    Why.VERIFY_FAILED: Sentence(
        "复查未能确认人脸已全部遮盖。", "The second look could not confirm that every face is covered."
    ),
    Why.NO_DETECTOR: Sentence(
        "没有可用的人脸检测模型，因此不展示任何图片。", "No face detector is available, so no picture is shown."
    ),
    Why.UNCONFINED: Sentence(
        "本机内核无法隔离处理图片的进程，因此不展示任何图片；请使用启用了 seccomp 的 64 位 Linux。",
        "This machine's kernel cannot lock in the process that handles pictures, so none is shown; use 64-bit "
        "Linux with seccomp.",
    ),
    Why.TIME_OUT: Sentence("处理图片超时。", "The picture took too long to handle."),
    Why.OUT_OF_MEMORY: Sentence("处理图片所需内存过多。", "The picture needed too much memory."),
    Why.CRASHED: Sentence("处理图片的进程意外终止。", "The process that handled the picture ended unexpectedly."),
    Why.CLASS_MINOR: Sentence("未成年人的图片一律不提供预览。", "Pictures of minors are never previewed."),
}


def say(why: Why, language: Language) -> str:
    """The reason in one sentence of the language asked for."""
    sentence = SENTENCES[why]
    return sentence.zh if language == "zh" else sentence.en
