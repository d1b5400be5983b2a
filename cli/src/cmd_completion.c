/*
 * cmd_completion.c
 *	  velo completion: what shells need to complete velo's command lines.
 *
 * The scripts only ask velo itself, by the hidden command __complete, so they never need
 * to change, and names of jobs and streams are those that are there now.
 */
#include <stdio.h>
#include <string.h>

#include "line.h"

static const char
	bash_script[] = "# Completion of velo for bash:  source <(velo completion bash)\n"
					"_velo()\n"
					"{\n"
					"\tlocal candidate\n"
					"\tlocal -a candidates\n"
					"\tmapfile -t candidates < <(\"${COMP_WORDS[0]}\" __complete -- \\\n"
					"\t\t\"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
					"\tCOMPREPLY=()\n"
					"\tfor candidate in \"${candidates[@]}\"; do\n"
					"\t\tif [[ $candidate == :files ]]; then\n"
					"\t\t\tcompopt -o default\n"
					"\t\t\treturn\n"
					"\t\tfi\n"
					"\t\tCOMPREPLY+=(\"$(printf %q \"${candidate%%$'\\t'*}\")\")\n"
					"\tdone\n"
					"}\n"
					"complete -F _velo velo\n";

static const char zsh_script[] =
	"#compdef velo\n"
	"# Completion of velo for zsh:  source <(velo completion zsh)\n"
	"_velo()\n"
	"{\n"
	"\tlocal line\n"
	"\tlocal -a lines items\n"
	"\tlines=(\"${(@f)$(${words[1]} __complete -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
	"\tfor line in $lines; do\n"
	"\t\tif [[ $line == :files ]]; then\n"
	"\t\t\t_files\n"
	"\t\t\treturn\n"
	"\t\tfi\n"
	"\t\tif [[ $line == *$'\\t'* ]]; then\n"
	"\t\t\titems+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
	"\t\telse\n"
	"\t\t\titems+=(\"${line//:/\\\\:}\")\n"
	"\t\tfi\n"
	"\tdone\n"
	"\t_describe velo items\n"
	"}\n"
	"compdef _velo velo\n";

static const char fish_script[] = "# Completion of velo for fish:  velo completion fish | source\n"
								  "function __velo_complete\n"
								  "\tset -l words (commandline -opc) (commandline -ct)\n"
								  "\tset -l program $words[1]\n"
								  "\tset -e words[1]\n"
								  "\tfor line in ($program __complete -- $words 2>/dev/null)\n"
								  "\t\tif test \"$line\" = ':files'\n"
								  "\t\t\t__fish_complete_path (commandline -ct)\n"
								  "\t\telse\n"
								  "\t\t\techo $line\n"
								  "\t\tend\n"
								  "\tend\n"
								  "end\n"
								  "complete -c velo -f -a '(__velo_complete)'\n";

static int
run(const CmdLine *line)
{
	static const struct
	{
		const char *shell;
		const char *script;
	} scripts[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		if (strcmp(cmd_argument(line, 0), scripts[i].shell) == 0)
		{
			fputs(scripts[i].script, stdout);
			return VC_EXIT_OK;
		}
	return cmd_usage(line, "there is no completion for \"%s\"; for bash, zsh and fish there is",
					 cmd_argument(line, 0));
}

static const Command completion = {
	.name = "completion",
	.summary = "completion of command lines for bash, zsh and fish",
	.arguments = "bash|zsh|fish",
	.arguments_min = 1,
	.arguments_max = 1,
	.names = "bash|zsh|fish",
	.help = "Completes commands, options and the names of jobs and streams that are there now.\n"
			"Put the line of your shell into its start-up file:\n"
			"\n"
			"  source <(velo completion bash)          ~/.bashrc\n"
			"  source <(velo completion zsh)           ~/.zshrc, after compinit\n"
			"  velo completion fish | source           ~/.config/fish/config.fish\n",
	.run = run,
};
CMD_COMMAND(completion);
