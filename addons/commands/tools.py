"""What a tool is, by its name: the usual agents' own, and the rest by the words in it. Not what a call of it does: read.py says that.

Sources: Claude Code, Codex CLI, Gemini CLI, Cursor, Cline and opencode, tool definitions as sent in 2026; OpenAI's and Anthropic's
built-in tools.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from addons.commands.hosts import METHODS
from addons.commands.values import Language


class Sort(StrEnum):
    """What a tool does with what it is given."""

    SHELL = "shell"
    SQL = "sql"
    PYTHON = "python"
    JAVASCRIPT = "javascript"
    FILE = "file"  # reads or writes files: what stands in `content` is not run
    SEARCH = "search"  # words for people: `query` is never SQL
    PLAIN = "plain"  # nobody knows; its arguments tell


LANGUAGES: Final = {Sort.SHELL: Language.SHELL, Sort.SQL: Language.SQL, Sort.PYTHON: Language.PYTHON}

_NAMES: Final[dict[Sort, str]] = {
    Sort.SHELL: """
        bash shell local_shell local_shell_call shell_call shell_command exec_command unified_exec write_stdin exec container.exec
        run_shell_command run_terminal_cmd run_terminal_command run_in_terminal execute_command run_command execute_bash run_bash
        bash_code_execution terminal sh zsh powershell cmd command_line execute_shell shell_exec bash_tool run_shell
    """,
    Sort.PYTHON: """
        python code_interpreter code_interpreter_call code_execution execute_python run_python ipython jupyter python_repl python_exec
        run_python_code execute_python_code pythonrepl python_interpreter jupyter_execute run_cell execute_ipython_cell python_tool
        executable_code
    """,
    Sort.JAVASCRIPT: """
        javascript node js_repl execute_javascript run_javascript browser_evaluate puppeteer_evaluate playwright_evaluate evaluate_script
        javascript_tool run_js execute_js
    """,
    Sort.FILE: """
        read write edit multiedit notebookedit notebookread ls read_file write_file replace list_directory search_file_content
        read_many_files create_file edit_file delete_file str_replace_based_edit_tool str_replace_editor text_editor memory view_image
        text_editor_code_execution apply_patch apply_patch_call apply_diff write_to_file replace_in_file list_files search_files list_dir
        insert_edit_into_file replace_string_in_file grep glob grep_search glob_file_search view create str_replace patch
        move_file copy_file read_multiple_files get_file_info directory_tree
    """,
    Sort.SEARCH: """
        websearch web_search web_search_call google_web_search file_search codebase_search tool_search search_web brave_web_search
        tool_search_tool_bm25 tool_search_tool_regex x_search knowledge_search
    """,
    Sort.PLAIN: "webfetch web_fetch todowrite todo_write task agent skill slashcommand computer update_plan",
}
_SORTS: Final = {name: sort for sort, names in _NAMES.items() for name in names.split()}
_DATABASES: Final = re.compile(
    r"sql|postgres|sqlite|database|(?:\b|_)db(?:\b|_)|bigquery|snowflake|redshift|duckdb|clickhouse|athena|warehouse|supabase|databricks|trino|presto"
    r"|(?:execute|run)_?query|query_?(?:data|table)|mariadb|oracle(?:\b|_)|cockroach"
)
_SEARCHES: Final = re.compile(
    r"search|google|bing(?:\b|_)|tavily|duckduckgo|perplexity|wikipedia|retriev|lookup|(?:\b|_)(?:rag|ask|docs)(?:\b|_)"
)
_SHELLS: Final = re.compile(r"(?:\b|_)(?:bash|shell|terminal|powershell)(?:\b|_)")
_PYTHONS: Final = re.compile(r"(?:\b|_)(?:python|ipython|jupyter|code_?interpreter)(?:\b|_|\d)")
_SCRIPTS: Final = re.compile(r"javascript|typescript|(?:\b|_)(?:js|node|evaluate|playwright|puppeteer|browser)(?:\b|_)")
_NAMESPACES: Final = frozenset({
    "functions", "multi_tool_use", "container", "browser", "python", "tools", "api_tool", "default_api", "web", "computer", "file_search",
    "repo_browser", "image_gen",
})  # fmt: skip
_CLAUDE_CODE: Final = re.compile(r"mcp__(.+?)__(.+)\Z", re.DOTALL)
_DOTTED: Final = re.compile(r"([\w-][\w /:-]{0,120})\.([\w/:-][\w./:-]{0,200})\Z")
_HUMPS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_METHOD: Final = re.compile(r"(?:\b|_)(get|post|put|patch|delete|head|options)(?:\b|_)")


def mcp_of(name: str) -> tuple[str, str] | None:
    """(server, tool) of mcp__server__tool (Claude Code) and server.tool (the providers' own MCP blocks, as providers/ names them)."""
    if match := _CLAUDE_CODE.match(name[:600]):
        return match[1], match[2]
    match = _DOTTED.match(name[:600])
    return (match[1], match[2]) if match and match[1].lower() not in _NAMESPACES else None


def sort_of(name: str) -> Sort:
    local = name[:600]
    for namespace in ("functions.", "tools.", "default_api."):
        local = local.removeprefix(namespace)
    known = _SORTS.get(local.lower())
    if known is not None:
        return known
    words = _HUMPS.sub("_", local).lower()
    if words in _SORTS:
        return _SORTS[words]
    if _SEARCHES.search(words) and "sql" not in words:  # search_database is asked in words
        return Sort.PLAIN if _DATABASES.search(words) else Sort.SEARCH
    return next((sort for pattern, sort in _PATTERNS if pattern.search(words)), Sort.PLAIN)


_PATTERNS: Final = (
    (_DATABASES, Sort.SQL), (_SHELLS, Sort.SHELL), (_PYTHONS, Sort.PYTHON), (_SCRIPTS, Sort.JAVASCRIPT),
)  # fmt: skip


def sort_of_mcp(server: str, tool: str) -> Sort:
    """The tool's own name first: `query` of the server `postgres` says little, the server the rest."""
    own = sort_of(tool)
    if own in (Sort.PLAIN, Sort.SEARCH) and _DATABASES.search(server.lower()):
        return Sort.SQL
    return own


def method_in(name: str) -> str:
    """http_post -> POST; "" where the name tells no method."""
    match = _METHOD.search(_HUMPS.sub("_", name[:600]).lower())
    return match[1].upper() if match and match[1].upper() in METHODS else ""
