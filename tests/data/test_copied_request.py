"""What is read out of a copied command: bash says how it takes one apart, Chrome's own code how it writes one."""

import random
import re
import shutil
import subprocess

import pytest

from course_utils.data.copied.file_names import name_in_header, plain_name
from course_utils.data.copied.request import read_command
from course_utils.data.copied.words import words_of
from course_utils.errors import CourseError

LETTERS = "ab =:;&|<>$`'\"\\%^!?*~#(){}[]/é犬😀\n\t\x01\x7f"


def as_chrome_in_bash(text):
    """DevTools' escapeString for POSIX shells."""
    if not re.search(r"[\0-\x1f\x7f-\x9f!']", text):
        return f"'{text}'"
    text = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return "$'" + re.sub(r"[\0-\x1f\x7f-\x9f!]", lambda found: f"\\u{ord(found[0]):04x}", text) + "'"


def as_firefox_in_bash(text):
    r"""Its letters beyond ASCII are bytes of a header (\xe9) or halves of UTF-16."""

    def escaped(found):
        if ord(found[0]) < 256:
            return f"\\x{ord(found[0]):02x}"
        units = found[0].encode("utf-16-be")
        return "".join(f"\\u{units[i] << 8 | units[i + 1]:04x}" for i in range(0, len(units), 2))

    text = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return "$'" + re.sub(r"[^\x20-\x7e]|!", escaped, text) + "'"


def as_a_browser_in_cmd(text):
    """DevTools' escapeString for Windows' cmd, of today; Firefox has the same."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    text = re.sub(r"[^a-zA-Z0-9\s_\-:=+~'/.',?;()*`]", lambda found: f"^{found[0]}", text)
    text = re.sub(r"%(?=[a-zA-Z0-9_])", "%^", text)
    return f'^"{text}^"'.replace("\n", "^\n\n")


def as_chrome_in_cmd_until_2024(text):
    """Carets between quotes that none stands before."""
    if "\n" in text:
        return as_a_browser_in_cmd(text)
    return as_a_browser_in_cmd(text).replace("^&", "&").removeprefix("^").removesuffix('^"') + '"'


def texts(n, letters=LETTERS):
    chance = random.Random(0)
    return ["".join(chance.choices(letters, k=chance.randrange(12))) for _ in range(n)]


@pytest.mark.parametrize("written", [as_chrome_in_bash, as_firefox_in_bash, as_a_browser_in_cmd, as_chrome_in_cmd_until_2024])
def test_words_come_back_as_they_were_before_a_browser_wrote_them(written):
    for text in texts(500):
        expected = (
            text.encode() if written is not as_firefox_in_bash else text.replace("é", "\udce9").encode(errors="surrogateescape")
        )
        lines = " ^\n  " if "cmd" in written.__name__ else " \\\n  "
        command = lines.join(["curl", written("https://a.org/b"), f"-H {written(text)}", "--compressed"])
        assert words_of(command) == [b"curl", b"https://a.org/b", b"-H", expected, b"--compressed"], command
        assert words_of(command.replace("\n", "\r\n"))[-1] == b"--compressed"


@pytest.mark.skipif(shutil.which("bash") is None, reason="compares with bash")
def test_words_are_those_of_bash():
    by_hand = [r"$'\x41\101\e\u00e9\U1f600\\\'\"\?\q'", r"a\ b''", r'"a\$b\`\"\\\c"', "''", r"'a'\''b'", '"a\\\nb"c', "a\\\nb"]
    drawn = [text for text in texts(100, "ab\\'\" c") if not text.endswith("\\")]
    agreed = 0
    for text in by_hand + drawn:
        command = ["bash", "--norc", "-c", f"printf '%s\\0' {text}"]
        done = subprocess.run(command, capture_output=True, env={"LC_ALL": "C.UTF-8"}, check=False)
        if done.returncode or done.stderr:  # an open quote
            with pytest.raises(CourseError, match="never closed"):
                words_of(text)
            continue
        expected = done.stdout.split(b"\0")[:-1] if text.strip() else [b""]
        if not re.search(r"(^|\s)\\\s", text):  # a word that begins with \ and a space: a line's end, in a field of one line
            assert (words_of(text) or [b""]) == expected, text
            agreed += 1
    assert agreed > 40


def test_an_older_chrome_in_cmd():
    command = 'curl "https://a.org/b?c=1&d=2" ^\n  -H "x: 50"%"25 ""quoted""" ^\n  --compressed'
    assert words_of(command) == [b"curl", b"https://a.org/b?c=1&d=2", b"-H", b'x: 50%25 "quoted"', b"--compressed"]


def test_a_field_of_one_line_takes_line_ends_away():
    assert words_of('curl "https://a.org/b" ^  -H "x: y" ^  -L') == [b"curl", b"https://a.org/b", b"-H", b"x: y", b"-L"]
    assert words_of("curl 'https://a.org/b' \\  -H 'x: y' \\  --compressed")[1:] == [
        b"https://a.org/b",
        b"-H",
        b"x: y",
        b"--compressed",
    ]


CHROME = r"""
curl 'https://data.org/get/train.zip?token=q%201&x=\[1\]' \
  -H 'accept: text/html,*/*;q=0.8' \
  -H 'accept-encoding: gzip, deflate, br' \
  -b $'session=a\u0021b; name="c"' \
  -H 'if-none-match: "abc"' \
  -H 'range: bytes=0-' \
  -H 'x-empty;' \
  -A 'Mozilla/5.0' \
  -e 'https://data.org/' \
  -X 'GET' -sSL --compressed -o train.zip
"""


def test_a_whole_command():
    request = read_command(CHROME)
    assert request.url == "https://data.org/get/train.zip?token=q%201&x=[1]"
    assert request.headers == {
        "accept": b"text/html,*/*;q=0.8",
        "cookie": b'session=a!b; name="c"',
        "x-empty": b"",
        "user-agent": b"Mozilla/5.0",
        "referer": b"https://data.org/",
    }
    assert request.name == "train.zip"
    assert repr(request) == "Request(shown='https://data.org/get/train.zip', name='train.zip')"


def test_what_is_no_header_of_the_commands_stays_in_the_browser():
    request = read_command(
        "curl https://a.org/b -H 'Host: a.org' -H ':method: GET' -H 'accept: x' -H 'accept:' -H 'X-A: 1' -H 'x-a: 2'"
    )
    assert request.headers == {"x-a": b"1, 2"}
    assert read_command("curl https://me:a%40b@a.org/b").headers == {"authorization": b"Basic bWU6YUBi"}
    assert read_command("curl https://me:a%40b@a.org/b").url == "https://a.org/b"
    assert read_command("curl https://a.org/b -H $'x: \\xe9\\u00e9'").headers == {"x": b"\xe9\xc3\xa9"}


@pytest.mark.parametrize(
    "command",
    [
        "curl https://a.org/b",
        " $ curl.exe --url https://a.org/b -g",
        "!curl -X GET -Lo b https://a.org/b",
        "/usr/bin/curl -ob https://a.org/b",
    ],
)
def test_ways_to_write_the_same(command):
    request = read_command(command)
    assert (request.url, request.headers) == ("https://a.org/b", {})


def test_the_lectures_extension_copies_commands_for_wget():
    """CurlWget of the Chrome web store, which writes them with double quotes."""
    request = read_command(
        'wget --header="Host: a.org" --header="User-Agent: me" --header="Cookie: a=\\"b\\"" --header="Connection: keep-alive" '
        '"https://a.org/b?c=1" -O "train.zip" -c'
    )
    assert (request.url, request.name) == ("https://a.org/b?c=1", "train.zip")
    assert request.headers == {"user-agent": b"me", "cookie": b'a="b"'}


def test_letters_that_curl_takes_for_several_addresses_come_back_as_one():
    """Browsers put a backslash before them, after they have written the address for the shell."""
    assert read_command(r"curl 'https://a.org/\[1\]/\{b\}'").url == "https://a.org/[1]/{b}"
    assert read_command('curl ^"https://a.org/^\\[1^\\]?b=1^&c=2^" ^\n --compressed').url == "https://a.org/[1]?b=1&c=2"
    assert read_command("curl 'https://a.org/[1]' --globoff").url == "https://a.org/[1]"


def test_the_name_is_the_commands():
    assert read_command("curl -LO https://a.org/x/my%20file.zip?a=b").name == "my file.zip"
    assert read_command("curl -O https://a.org/").name is None
    assert read_command("curl https://a.org/x.zip").name is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("-X POST", "for POST, and files are only fetched here"),
        ("-XDELETE", "for DELETE, and"),
        ("--data-raw SECRET", "--data-raw sends something"),
        ("--data SECRET", "--data sends something"),
        ("-dSECRET", "-d sends something"),
        ("-F a=SECRET", "-F sends something"),
        ("--form a=SECRET", "--form sends something"),
        ("--json SECRET", "--json sends something"),
        ("-T SECRET", "-T sends something"),
        ("-I", "-I asks for the headers alone"),
        ("--head", "--head asks for the headers alone"),
        ("-sk", "-k turns off the check"),
        ("--insecure", "--insecure turns off the check"),
        ("-u me:SECRET", "-u holds a password"),
        ("-K SECRET", "-K reads options from a file"),
        ("-r 0-9", "-r asks for a part"),
        ("-C 100", "-C asks for a part"),
        ("--next", "--next begins a second command"),
        ("--max-time 3", "option --max-time of curl is not known here"),
        ("-zSECRET", "option -z of curl is not known"),
        ("--cookie-jar SECRET", "option --cookie-jar of curl is not known"),
        ("--header=SECRET", "option --header of curl is not known"),
        ("-H @SECRET", "-H @... reads a file"),
        ("-H SECRET", "a header after -H has no name and colon"),
        ("-H $'a: b\\r\\nSECRET: c'", "the header a has a line break in it"),
        ("-H", "-H is the command's last word"),
        ("-b SECRET", "-b names a file of cookies"),
        ("-b a=SECRET -H 'cookie: b=SECRET2'", "the header cookie is given twice"),
        ("-H 'host: SECRET.org'", "the header host is that of another server"),
        ("-H 'range: bytes=5-'", "the header range asks for a part"),
        ("-o ../x", "-o is '../x'; give the plain name"),
        ("-o /etc/x", "-o is '/etc/x'; give the plain name"),
        ("-o -", "-o is '-'; give"),
        ("-o a -o b", "-o is given twice"),
        ("https://a.org/SECRET", "2 addresses or words without an option"),
        ("--url https://a.org/SECRET", "2 addresses"),
        ("; rm -rf SECRET", "; outside of quotes"),
        ("| sh", "| outside of quotes"),
        ("> SECRET", "> outside of quotes"),
        ("-H $SECRET", "$ outside of quotes"),
        ('-H "a: $SECRET"', "between double quotes"),
        ('-H "a: `SECRET`"', "between double quotes"),
        ("-H 'a: SECRET", "a ' that is opened and never closed"),
        ("\ncurl https://a.org/SECRET", "several commands"),
    ],
)
def test_what_is_refused_is_named_and_not_shown(options, words):
    with pytest.raises(CourseError) as caught:
        read_command(f"curl 'https://a.org/b?t=SECRET' {options}")
    assert words in str(caught.value)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", "it is empty"),
        ("wget --header=SECRET https://a.org/", "a header after -H has no name and colon"),
        ("wget -i SECRET", "the option -i of wget is not known here"),
        ("wget --load-cookies=SECRET https://a.org/b", "the option --load-cookies of wget is not known here"),
        ("wget https://a.org/b --post-data=SECRET", "--data sends something"),
        ("wget https://a.org/b --no-check-certificate", "--insecure turns off the check"),
        ("wget https://a.org/b -O", "-o is the command's last word"),
        ("fetch('SECRET')", "for JavaScript"),
        ("Invoke-WebRequest SECRET", "for PowerShell"),
        ("https://a.org/?SECRET", "an address alone"),
        ("curly SECRET", "does not begin with curl"),
        (None, "NoneType, not text"),
        ("curl", "no address"),
        ("curl SECRET.org/b", "has no scheme; expected https://"),
        ("curl file:///SECRET", "begins with file://; expected https://"),
        ("curl https://", "names no server"),
        ("curl https://a.org:SECRET/", "the address cannot be read"),
        ("curl https://[SECRET/", "the address cannot be read"),
        ("curl 'https://a.org/x[1-9]'", "stand for several addresses"),
        ("curl 'https://a.org/{SECRET,b}'", "stand for several addresses"),
        ("curl 'https://a.org/a SECRET'", "a space"),
    ],
)
def test_what_is_no_command_for_one_file(command, words):
    with pytest.raises(CourseError) as caught:
        read_command(command)
    assert words in str(caught.value)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\Windows\\\\x.dll"', "x.dll"),
        ("attachment; filename=/etc/ssh/authorized_keys", "authorized_keys"),
        ('attachment; filename=".bashrc"', "bashrc"),
        ('attachment; filename=".."', ""),
        ('attachment; filename="a\x00\x1b[2Jb.zip"', "a[2Jb.zip"),
        ('attachment; filename="con.zip"', "_con.zip"),
        ('attachment; filename="a.zip. . "', "a.zip"),
        ("attachment; filename*=UTF-8''..%2F..%2Fx.zip", "x.zip"),
        ("attachment; filename=a.zip; filename*=UTF-8''%E7%8A%AC.zip", "犬.zip"),
        ('attachment; filename="犬.zip"'.encode().decode("latin-1"), "犬.zip"),
        ("attachment", ""),
        ("", ""),
    ],
)
def test_names_that_a_server_proposes_lead_nowhere(header, name):
    assert name_in_header(header) == name


def test_a_name_that_is_too_long_keeps_its_ending():
    name = plain_name("犬" * 300 + ".zip")
    assert name.endswith("犬.zip")
    assert len(name.encode()) <= 200
    assert plain_name(name) == name
