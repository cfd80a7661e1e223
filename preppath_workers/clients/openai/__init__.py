"""OpenAI, or servers that speak its API.

`import openai` imports the models of all of its APIs, most of them of the Responses API, which no client here
uses: that would take longer than all the rest, here and in each fork, which copies the tables of the memory.
"""

from ..later_packages import run_later

run_later("openai.types", "openai.types.responses")
