"""What the SDK says, in English and Chinese as equals."""

import os
import unicodedata
from typing import Literal

Language = Literal["en", "zh"]

SENTENCES: dict[str, tuple[str, str]] = {
    # errors, by code
    "no-address": (
        "No gateway is named. Sign in with `hubgate login URL`, or set HUBGATE_URL.",
        "没有指定网关。请先运行 `hubgate login 网址`，或设置 HUBGATE_URL。",
    ),
    "bad-address": (
        "{url} is not a gateway's address. Give it as https://host or https://host:port, without path or user name.",
        "{url} 不是网关地址。请写成 https://主机 或 https://主机:端口，不带路径和用户名。",
    ),
    "clear-text": (
        "The token is not sent to {url}: plain http is only for this machine. Use the https:// address.",
        "不会把令牌发往 {url}：明文 http 只用于本机。请改用 https:// 地址。",
    ),
    "bad-token": (
        "That is not a token: tokens begin with hbg_. Copy it whole from your account page.",
        "这不是令牌：令牌以 hbg_ 开头。请从账号页面完整复制。",
    ),
    "bad-name": (
        "{name} is not an asset's name. Names look like lab/street-faces.",
        "{name} 不是资源名。资源名形如 lab/street-faces。",
    ),
    "other-kind": (
        "{asset} is a {kind}. Ask for it with hub.{kind}(…).",
        "{asset} 的类型是 {kind}。请用 hub.{kind}(…) 取用。",
    ),
    "no-version": (
        "{asset} has no released version yet. Ask its publisher.",
        "{asset} 还没有发布任何版本。请咨询发布者。",
    ),
    "unreachable": (
        "{url} does not answer ({why}). Check the address and the network, then run the same again.",
        "{url} 没有应答（{why}）。请检查地址和网络后重试。",
    ),
    "not-a-gateway": (
        "{url} did not answer as a hubgate gateway does ({why}). Check the address.",
        "{url} 的应答不像 hubgate 网关（{why}）。请检查地址。",
    ),
    "redirect": (
        "{url} points to {target}, and redirects are not followed. If you trust it, use that address.",
        "{url} 指向 {target}，而重定向不会被跟随。如果信任它，请直接使用该地址。",
    ),
    "unauthenticated": (
        "{url} wants you signed in. Run `hubgate login {url}` with a valid token.",
        "{url} 要求登录。请用有效令牌运行 `hubgate login {url}`。",
    ),
    "suspended": (
        "Your account is suspended. To have it looked at again: {appeal}",
        "你的账号已被停用。申诉：{appeal}",
    ),
    "scope-missing": (
        "This token may not do that. Make one with the scope it needs on your account page, then sign in with it.",
        "此令牌没有这项权限。请在账号页面新建带有相应权限的令牌，再用它登录。",
    ),
    "role-missing": (
        "Your account may not do that. Ask the gateway's operator.",
        "你的账号没有这项权限。请联系网关管理员。",
    ),
    "terms-required": (
        "The terms of {asset} are not accepted yet. Read them: `hubgate terms {asset}`. "
        'Then: `hubgate accept {asset} --purpose "what you will use it for"`.',
        "尚未接受 {asset} 的使用条款。先阅读：`hubgate terms {asset}`，"
        '再接受：`hubgate accept {asset} --purpose "用途"`。',
    ),
    "terms-outdated": (
        "The terms of {asset} have changed since you accepted them. Read them: `hubgate terms {asset}`. "
        'Then: `hubgate accept {asset} --purpose "what you will use it for"`.',
        "{asset} 的使用条款在你接受之后有了变更。先阅读：`hubgate terms {asset}`，"
        '再接受：`hubgate accept {asset} --purpose "用途"`。',
    ),
    "not-found": (
        "There is no {what} on {url} that you can see. Look for it with `hubgate search`.",
        "在 {url} 上没有你可见的 {what}。可用 `hubgate search` 查找。",
    ),
    "terms-not-in-force": (
        "The terms of {asset} changed while you were reading. Read and accept them again.",
        "{asset} 的条款在你阅读时有了变更。请重新阅读并接受。",
    ),
    "stopped": (
        "{what} has been stopped and may not be downloaded or used. Why, and how to appeal: {notice}",
        "{what} 已被停止，不得下载或使用。原因与申诉方式：{notice}",
    ),
    "state-unavailable": (
        "{url} cannot serve at the moment. Nothing is lost: run the same again in a while.",
        "{url} 暂时无法提供服务。已下载的部分不会丢失：请稍后重试。",
    ),
    "refused": ("{url} refused: {detail}", "{url} 拒绝了请求：{detail}"),
    "wrong-bytes": (
        "{path} arrived twice with bytes that are not the published ones; it was deleted. "
        "Tell the gateway's operator, and check any proxy between.",
        "{path} 两次收到的内容都与发布的不一致，已删除。请告知网关管理员，并检查中间的代理。",
    ),
    "unsafe-path": (
        "{path} cannot be stored below {folder}: {why}. Nothing was written under that name.",
        "{path} 无法保存在 {folder} 之下：{why}。没有写入该文件。",
    ),
    "no-space": (
        "{folder} has {free} free, and {needed} are needed. Make room or choose another place with --to.",
        "{folder} 只剩 {free}，需要 {needed}。请腾出空间，或用 --to 换一个位置。",
    ),
    "no-space-store": (
        "{folder}, the store of this machine, has {free} free, and {needed} are needed. Make room, or move {home} to a "
        "larger disk and set HUBGATE_HOME to where it is then.",
        "{folder}（本机存储）只剩 {free}，需要 {needed}。请腾出空间，或把 {home} 移到更大的磁盘，"
        "再把 HUBGATE_HOME 设为新位置。",
    ),
    "no-folder": (
        "{folder} cannot be made a folder: a file stands there or on the way to it. Choose another place with --to.",
        "无法创建文件夹 {folder}：该处或其路径上已有一个文件。请用 --to 换一个位置。",
    ),
    "system-refused": (
        "{path} cannot be read or written: {why}. See to it, then run the same again.",
        "{path} 无法读取或写入：{why}。请处理后重新运行。",
    ),
    "folder-not-utf8": (
        "{path} is not a name in UTF-8, and recalls could not find what is put there. Choose another folder with --to, "
        "or rename it.",
        "{path} 不是 UTF-8 名称，召回将无法找到其中的文件。请用 --to 换一个文件夹，或将其改名。",
    ),
    "home-not-utf8": (
        "{path}, where hubgate keeps its own files, is not a name in UTF-8. Set HUBGATE_HOME to the whole path of "
        "another folder.",
        "{path}（hubgate 存放自身文件的位置）不是 UTF-8 名称。请把 HUBGATE_HOME 设为另一个文件夹的完整路径。",
    ),
    "folder-busy": (
        "Another fetch is writing to {folder}. Wait for it, or choose another place with --to.",
        "另一个下载正在写入 {folder}。请等它结束，或用 --to 换一个位置。",
    ),
    "no-such-notice": (
        "Nothing was done: no recall of this account is {notices}. `hubgate sync --dry-run` lists those there are.",
        "未做任何操作：此账号没有编号为 {notices} 的召回。可用 `hubgate sync --dry-run` 查看。",
    ),
    "nothing-matches": (
        "No file of {asset} matches {include}. `hubgate show {asset}` tells what there is.",
        "{asset} 中没有文件匹配 {include}。可用 `hubgate show {asset}` 查看内容。",
    ),
    "no-file": ("{asset} has no file {path}.", "{asset} 中没有文件 {path}。"),
    "store-unreadable": (
        "{path} cannot be read as a store of sign-ins. Delete it and run `hubgate login URL`.",
        "{path} 无法作为登录信息读取。请删除它，再运行 `hubgate login 网址`。",
    ),
    "record-unreadable": (
        "{path} cannot be read as the record of what this machine holds. Keep the file and ask for help: "
        "recalls rely on it.",
        "{path} 无法作为本机持有记录读取。请保留该文件并寻求帮助：召回依赖于它。",
    ),
    "record-failed": (
        "{path}, the record of what this machine holds, cannot be written: {why}. What it says is safe. Make room or "
        "see to the disk, then run the same again.",
        "{path}（本机持有记录）无法写入：{why}。已有记录完好。请腾出空间或检查磁盘，然后重新运行。",
    ),
    "disk-full": (
        "The disk is full. What has arrived is kept: make room, then run the same again to go on.",
        "磁盘已满。已收到的内容会保留：请腾出空间，然后重新运行以继续。",
    ),
    "record-newer": (
        "{path} was written by a later release of hubgate. Install that release or a later one.",
        "{path} 由更新版本的 hubgate 写入。请安装该版本或更高版本。",
    ),
    "untrusted": (
        "A statement about recalls is not to be believed: {why}. Nothing was touched. If the gateway's keys were "
        "changed, sign in again with `hubgate login`; else tell its operator.",
        "有关召回的声明不可信：{why}。未改动任何内容。"
        "若网关更换了密钥，请用 `hubgate login` 重新登录；否则请告知网关管理员。",
    ),
    "untrusted-clock": (
        "A statement about recalls is not to be believed at this time: {why}. Nothing was touched. This machine's "
        "clock says {clock} and may be wrong: set it right, then run the same again. If it is right, tell the "
        "gateway's operator.",
        "有关召回的声明在此时不可信：{why}。未改动任何内容。"
        "本机时钟为 {clock}，可能不准：请校准后重试。若时钟无误，请告知网关管理员。",
    ),
    "token-needed": (
        "Recalls are told to accounts. Sign in: `hubgate login {url}`.",
        "召回通知发给账号。请登录：`hubgate login {url}`。",
    ),
    "not-fetched": (
        "{path} is not known as a file that was fetched from this gateway. Fetch it with `hubgate fetch`, then extract "
        "it where it lies.",
        "{path} 不是已知的从本网关下载的文件。请先用 `hubgate fetch` 下载，再在原处解压。",
    ),
    "file-in-the-way": (
        "{path} stands in {folder} already and is not what {archive} holds; it is not replaced. Nothing was extracted: "
        "choose another folder with --to, or move that file.",
        "{folder} 中已有 {path}，且与 {archive} 中的内容不同，不会被替换。未解压任何内容："
        "请用 --to 换一个文件夹，或移走该文件。",
    ),
    "archive-broken": (
        "{path} cannot be read as a tar or zip file. Check it with its publisher.",
        "{path} 无法作为 tar 或 zip 文件读取。请与发布者核对。",
    ),
    # loaders
    "no-library": (
        "This needs {library}. Install it: `pip install {library}`.",
        "这里需要 {library}。请安装：`pip install {library}`。",
    ),
    "torch-old": (
        "torch {version} may run code from a file it loads. Install torch 2.6 or later, then load {path} again.",
        "torch {version} 在加载文件时可能执行其中的代码。请安装 torch 2.6 或更高版本，再加载 {path}。",
    ),
    "not-loaded": (
        "{path} is not loaded: {why}. Nothing in it was run. Ask its publisher for a .safetensors file.",
        "未加载 {path}：{why}。其中没有任何代码被执行。请向发布者索取 .safetensors 文件。",
    ),
    "read-only": (
        "{path} cannot be written: a gateway is read-only here. Publishing is done with `hubgate publish`.",
        "无法写入 {path}：网关在此处只读。发布请使用 `hubgate publish`。",
    ),
    # recalls
    "reason-rights_complaint": ("a person asked for it", "当事人提出请求"),
    "reason-child": ("it shows a child", "内容涉及儿童"),
    "reason-licence": ("its licence does not allow it", "许可不允许"),
    "reason-quality": ("its quality", "质量问题"),
    "reason-misuse": ("misuse", "滥用"),
    "reason-security": ("security", "安全原因"),
    "reason-court_order": ("a court ordered it", "法院命令"),
    "recall-purge": (
        "RECALL {notice}: copies of {what} must be deleted by {until} ({reason}).",
        "召回 {notice}：{what} 的副本须在 {until} 前删除（{reason}）。",
    ),
    "recall-quarantine": (
        "HOLD {notice}: copies of {what} may not be used until it is decided ({reason}).",
        "暂停 {notice}：在作出决定前不得使用 {what} 的副本（{reason}）。",
    ),
    "recall-withdrawn": (
        "HOLD OVER {notice}: {what} may be used again.",
        "暂停解除 {notice}：{what} 可以继续使用。",
    ),
    "recall-items": ("single files of {asset}", "{asset} 中的个别文件"),
    "recall-do-purge": ("Run `hubgate sync`.", "请运行 `hubgate sync`。"),
    "recall-do-quarantine": ("Run `hubgate sync` to set them aside.", "请运行 `hubgate sync` 将其隔离。"),
    "recall-do-withdrawn": ("Run `hubgate sync` to put the copies back.", "请运行 `hubgate sync` 恢复副本。"),
    "recall-handled": (
        "RECALL {notice}: done for {files}, as this machine's policy says.",
        "召回 {notice}：已按本机策略处理 {files}。",
    ),
    "sync-nothing": ("Nothing is called back.", "没有需要召回的内容。"),
    "sync-deleted": ("deleted", "已删除"),
    "sync-aside": ("set aside", "已隔离"),
    "sync-restored": ("put back", "已恢复"),
    "sync-modified": (
        "CHANGED since it was fetched, left; delete it yourself if it still shows the same",
        "下载后有改动，未处理；如仍含相同内容请自行删除",
    ),
    "sync-locked": (
        "could not be done: no right to, or a link is on the way; see to it and run `hubgate sync` again",
        "无法处理：没有权限或路径上有链接；请处理后再次运行 `hubgate sync`",
    ),
    "sync-would-deleted": ("would be deleted", "将被删除"),
    "sync-would-aside": ("would be set aside", "将被隔离"),
    "sync-would-restored": ("would be put back", "将被恢复"),
    "sync-missing": (
        "{place} is not there any more. If it was moved or copied, delete it where it is now.",
        "{place} 已不在原处。如已移动或复制，请在现在的位置删除。",
    ),
    "sync-left": (
        "The receipt was sent. What was changed is still there: see to it, then run `hubgate sync --yes`.",
        "回执已发送。有改动的文件仍在：请处理后运行 `hubgate sync --yes`。",
    ),
    "sync-elsewhere": (
        "{place} had further names elsewhere (hard links) that hubgate did not make: delete them too.",
        "{place} 在别处另有 hubgate 未创建的名称（硬链接）：请一并删除。",
    ),
    "sync-cache": (
        "{place} ({tool}) holds it too. It is that tool's to delete: remove it, then run `hubgate sync` again.",
        "{place}（{tool}）中也有一份。应由该工具删除：请删除后再次运行 `hubgate sync`。",
    ),
    "sync-made": (
        "{place} ({tool}) was made from {asset} and may hold it in another form. Delete it with that tool, and make it "
        "anew.",
        "{place}（{tool}）由 {asset} 生成，可能以另一种形式包含该内容。请用该工具删除后重新生成。",
    ),
    "sync-answered": ("A signed receipt was sent.", "已发送签名回执。"),
    "sync-unanswered": (
        "The receipt could not be sent; run `hubgate sync` again.",
        "回执未能发送；请再次运行 `hubgate sync`。",
    ),
    "sync-waiting": (
        "Set aside, not deleted. To delete for good and send the receipt: hubgate sync --yes",
        "已隔离，尚未删除。要彻底删除并发送回执：hubgate sync --yes",
    ),
    "ask-delete": ("Delete what is called back for good, and send the receipt?", "彻底删除被召回的内容并发送回执？"),
    "ask-outside": (
        "Are there other copies that hubgate does not know of (yes, no, unknown)?",
        "是否还有 hubgate 不知道的其他副本（yes、no、unknown）？",
    ),
    "outside-advice": (
        "Please delete those copies too, by {until}.",
        "请在 {until} 前一并删除那些副本。",
    ),
    "holds-nothing": (
        "This machine holds nothing of {url} that hubgate knows of.",
        "本机没有 hubgate 所知的来自 {url} 的内容。",
    ),
    "extracted": (
        "{path} is extracted to {folder}; recalls reach it there.",
        "{path} 已解压到 {folder}；召回可覆盖其中内容。",
    ),
    # notebooks
    "form-terms": ("Terms of {asset}: {terms} {version}", "{asset} 的使用条款：{terms} {version}"),
    "form-accept": ("I accept these terms", "我接受以上条款"),
    "form-before": ("You have accepted these terms.", "你已接受以上条款。"),
    "form-changed": (
        "The terms changed while you were reading. These are the new ones.",
        "条款在你阅读时有了变更。以下是新的条款。",
    ),
    "form-done": (
        'Accepted. Now {asset} can be fetched: hub.asset("{asset}").fetch()',
        '已接受。现在可以下载 {asset}：hub.asset("{asset}").fetch()',
    ),
    "form-how": (
        'To accept them: hub.asset("{asset}").accept(purpose="what you will use it for")',
        '接受条款：hub.asset("{asset}").accept(purpose="用途")',
    ),
    "recalls-aside": ("Set the copies aside", "隔离副本"),
    "recalls-delete": ("Delete for good, send the receipt", "彻底删除并发送回执"),
    "recalls-outside": ("Copies that hubgate does not know of?", "是否有 hubgate 不知道的副本？"),
    "recalls-how": (
        "To set the copies aside: hub.sync(). To delete them for good and send the receipt: hub.sync(purge=True)",
        "隔离副本：hub.sync()。彻底删除并发送回执：hub.sync(purge=True)",
    ),
    "outside-unknown": ("I do not know", "不清楚"),
    "outside-none_declared": ("no", "没有"),
    "outside-declared": ("yes", "有"),
    # why a path is unsafe
    "path-form": ("it is not a plain relative path", "它不是普通的相对路径"),
    "path-ours": ("that name is kept for the SDK's own use", "该名称保留给 SDK 自用"),
    "path-windows": ("this system has no such file name", "本系统不支持这样的文件名"),
    "path-long": ("the name is too long for this system", "文件名对本系统来说过长"),
    "path-link": ("a link or something that is no folder is in the way", "路径上有链接或不是文件夹的东西"),
    "path-twice": ("another file of the set has the same name on this system", "另一个文件在本系统上与它同名"),
    # what went wrong on the wire
    "cut": ("the connection was cut", "连接中断"),
    "timeout": ("no answer in time", "超时"),
    "tls": ("its certificate is not trusted", "证书不受信任"),
    "no-json": ("no JSON", "不是 JSON"),
    "wrong-shape": ("{field} is missing or wrong", "{field} 缺失或有误"),
    # commands
    "ask-token": ("Token", "令牌"),
    "signed-in": ("Signed in to {url} as {name}.", "已以 {name} 的身份登录 {url}。"),
    "token-kept": ("The token is in {path}, readable by you alone.", "令牌保存在 {path}，只有你可读。"),
    "signed-out": (
        "Signed out of {url}. The token itself stays valid until it expires.",
        "已退出 {url}。令牌本身在到期前仍然有效。",
    ),
    "not-signed-in": ("Not signed in to {url}.", "没有登录 {url}。"),
    "nothing-found": ("Nothing matches.", "没有匹配的结果。"),
    "accepted": ("accepted", "已接受"),
    "not-accepted": ("not accepted yet", "尚未接受"),
    "label-kind": ("kind", "类型"),
    "label-class": ("class", "类别"),
    "label-licence": ("licence", "许可"),
    "label-terms": ("terms", "条款"),
    "label-versions": ("versions", "版本"),
    "one-file": ("1 file", "1 个文件"),
    "files": ("{count} files", "{count} 个文件"),
    "ask-accept": ("Do you accept these terms?", "你接受以上条款吗？"),
    "ask-purpose": ("What will you use it for?", "用途是什么？"),
    "declined": ("Not accepted. Nothing was sent.", "没有接受。未发送任何内容。"),
    "yes-needed": (
        "There is no terminal to ask on. Read the terms above, then run the same with --yes.",
        "没有可供询问的终端。请阅读以上条款，再加上 --yes 运行。",
    ),
    "accept-done": (
        "Accepted {terms} {version} for {asset}. Next: hubgate fetch {asset}",
        "已接受 {asset} 的条款 {terms} {version}。下一步：hubgate fetch {asset}",
    ),
    "fetched": (
        "{asset} is in {folder}: {files}, {size} (version {version}).",
        "{asset} 已保存到 {folder}：{files}，{size}（版本 {version}）。",
    ),
    "fetched-kept": ("{kept} of them were there already.", "其中 {kept} 个原已存在。"),
    "left-out": (
        "Stopped, and left out of {asset}: {files} ({paths})",
        "{asset} 有 {files}已被停止，未下载：{paths}",
    ),
    "interrupted": ("Interrupted. Run the same again to go on.", "已中断。再次运行同一命令即可继续。"),
}


def language() -> Language:
    """The user's language by LC_ALL, LC_MESSAGES or LANG: Chinese when it says so, else English."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def files(count: int, lang: Language | None = None) -> str:
    """So many files."""
    return say("one-file" if count == 1 else "files", lang, count=count)


def say(key: str, lang: Language | None = None, /, **params: object) -> str:
    """One sentence in the user's language, or in `lang`."""
    english, chinese = SENTENCES[key]
    return (chinese if (lang or language()) == "zh" else english).format_map(params)


def plain(text: str) -> str:
    """Text from elsewhere, without what could command a terminal: control and direction characters but \\n and \\t."""
    return "".join(c for c in text if c in "\n\t" or (unicodedata.category(c) != "Cc" and c not in _DIRECTIONS))


_DIRECTIONS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def size(count: int) -> str:
    """Bytes as people read them, in powers of 1000."""
    number = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
