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
    FILM = "film"
    FOLDER = "folder"
    INSIDE = "inside"
    SUMMARY = "summary"


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
}


def note(name: Note, language: Language, **params: object) -> str:
    """The sentence in the language asked for."""
    sentence = SENTENCES[name]
    return (sentence.zh if language == "zh" else sentence.en).format_map(params)
