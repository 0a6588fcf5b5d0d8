"""What the commands say besides reasons of refusal, in Chinese and English."""

from enum import StrEnum

from faceguard.words import Language, Sentence


class Note(StrEnum):
    """The closed list of sentences."""

    AT_WORK = "at_work"
    STOPPED = "stopped"
    CANNOT_READ = "cannot_read"
    CANNOT_WRITE = "cannot_write"
    IN_ITSELF = "in_itself"
    NEIGHBOUR = "neighbour"
    ORIGINALS = "originals"
    NO_RUN = "no_run"
    OTHER_FOLDER = "other_folder"
    NO_LIBRARIES = "no_libraries"
    NO_KEY = "no_key"
    NO_MODELS = "no_models"
    FILM = "film"
    FOLDER = "folder"
    INSIDE = "inside"
    SUMMARY = "summary"
    BAD_ANNOTATIONS = "bad_annotations"
    EVAL_TITLE = "eval_title"
    EVAL_AXIS = "eval_axis"
    EVAL_HIDDEN = "eval_hidden"
    EVAL_OF_SHOWN = "eval_of_shown"
    EVAL_OPEN_COUNT = "eval_open_count"
    EVAL_WITHHELD = "eval_withheld"
    EVAL_AREA = "eval_area"
    EVAL_TIME = "eval_time"
    EVAL_TAG = "eval_tag"
    EVAL_WHY = "eval_why"
    EVAL_OPEN = "eval_open"


SENTENCES = {
    Note.AT_WORK: Sentence(
        "另一个进程正在处理同一文件夹（{state}）；请等待其结束后重试。",
        "Another run is at work on the same folder ({state}); wait until it has ended and try again.",
    ),
    Note.STOPPED: Sentence(
        "已中断：{trouble}。解决后再次运行同一命令即可继续。",
        "Stopped: {trouble}. Once that is mended, the same command goes on from here.",
    ),
    Note.CANNOT_READ: Sentence(
        "无法读取文件（{trouble}）；请检查文件及其权限。",
        "The file cannot be read ({trouble}); check that it is there and may be read.",
    ),
    Note.CANNOT_WRITE: Sentence(
        "无法写入 {place}（{trouble}）；请指定其他位置。", "{place} cannot be written ({trouble}); name another place."
    ),
    Note.IN_ITSELF: Sentence(
        "OUT 不能与 IN 相同，也不能包含 IN；请指定其他文件夹。",
        "OUT must not be IN itself, nor a folder that holds it; name another one.",
    ),
    Note.NEIGHBOUR: Sentence(
        "{place} 已存在于 IN 所在的文件夹中，不会被覆盖；请指定其他文件夹。",
        "{place} is there already, in the folder of IN, and is not overwritten; name another folder.",
    ),
    Note.ORIGINALS: Sentence(
        "{place} 位于 IN 中且已有图片，其中可能有原图，不会被覆盖；请指定其他文件夹。",
        "{place} lies in IN and holds pictures already, which may be originals and are not overwritten; "
        "name another folder.",
    ),
    Note.NO_RUN: Sentence(
        "{place} 不属于任何一次批量处理，不会被覆盖；请用 --state 指定其他文件夹，或将其移走。",
        "{place} is of no run over a folder and is not overwritten; name another folder by --state, or move it away.",
    ),
    Note.OTHER_FOLDER: Sentence(
        "{state} 属于另一个文件夹（{source}）；请指定其他 OUT，或删除它以重新开始。",
        "{state} belongs to another folder ({source}); name another OUT, or remove it to begin anew.",
    ),
    Note.NO_LIBRARIES: Sentence(
        "缺少图像处理库；请运行 pip install 'hubgate[server]'。",
        "The libraries for pictures are missing; run: pip install 'hubgate[server]'",
    ),
    Note.NO_KEY: Sentence(
        "注意：无法在 {file} 保存噪声密钥；每次运行都会使用新的密钥并重新生成全部副本。",
        "Note: no key for the noise can be kept in {file}; each run uses another one and makes all copies anew.",
    ),
    Note.NO_MODELS: Sentence(
        "注意：FACEGUARD_MODELS 指定的文件夹 {folder} 不存在；使用内置权重。",
        "Note: {folder}, the folder that FACEGUARD_MODELS names, is not there; the packaged weights are used.",
    ),
    Note.FILM: Sentence(
        "IN 是视频；请使用 faceguard sheet VIDEO OUT。", "IN is a film; use `faceguard sheet VIDEO OUT`."
    ),
    Note.FOLDER: Sentence(
        "IN 中包含多张图片，OUT 须为文件夹；请指定其他位置。",
        "IN holds many pictures, so OUT must be a folder; name another place.",
    ),
    Note.INSIDE: Sentence("{file}，第 {number} 张", "{file}, picture {number}"),
    Note.SUMMARY: Sentence(
        "共 {found} 张图片：此前已完成 {rested} 张，本次写入 {shown} 张，拒绝 {refused} 张。"
        "需要人工查看的有 {unsure} 张，见 {report}。",
        "{found} pictures: {rested} were done before, {shown} written, {refused} refused. "
        "{unsure} want a person's look: {report}",
    ),
    Note.BAD_ANNOTATIONS: Sentence(
        "标注文件有误（{trouble}）；格式见 `faceguard eval --help`。",
        "The annotations cannot be used ({trouble}); `faceguard eval --help` shows their shape.",
    ),
    Note.EVAL_TITLE: Sentence(
        "{pictures} 张图片，预览长边 {preview} 像素：被遮盖的人脸",
        "Faces hidden in {pictures} pictures, at a preview of {preview} px",
    ),
    Note.EVAL_AXIS: Sentence("预览中的人脸高度", "height of the face in the preview"),
    Note.EVAL_HIDDEN: Sentence("16 像素及以上被遮盖", "hidden, 16 px and more"),
    Note.EVAL_OF_SHOWN: Sentence("其中仅计已展示的图片", "the same in pictures that are shown"),
    Note.EVAL_OPEN_COUNT: Sentence("含未遮盖人脸的图片", "pictures with such a face open"),
    Note.EVAL_WITHHELD: Sentence("不予展示的图片", "pictures withheld"),
    Note.EVAL_AREA: Sentence("画面被改变的比例", "area changed"),
    Note.EVAL_TIME: Sentence("每张耗时：中位数 / 最慢的十分之一", "a picture: median / slowest tenth"),
    Note.EVAL_TAG: Sentence("带有标签 {tag}，16 像素及以上", "hidden, 16 px and more, tagged {tag}"),
    Note.EVAL_WHY: Sentence("因 {why} 不予展示", "withheld: {why}"),
    Note.EVAL_OPEN: Sentence("未完全遮盖：{file}", "open: {file}"),
}


def note(name: Note, language: Language, **params: object) -> str:
    """The sentence in the language asked for."""
    sentence = SENTENCES[name]
    return (sentence.zh if language == "zh" else sentence.en).format_map(params)
