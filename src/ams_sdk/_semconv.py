"""Every span and attribute name that the SDK writes; nobody else spells one.

Source: OpenTelemetry's GenAI conventions as of commit ``024a4f94`` of open-telemetry/semantic-conventions-genai, that
is all that was merged by 2026-10-09. They are in development and will move; this file is the one that moves with them.
The package of constants that OpenTelemetry publishes marks these names deprecated and lacks the newer ones.

Names under ``ams.*`` are this project's own: the conventions removed an agent's id and version from in-process spans.
"""

from typing import Final

SCOPE: Final = "ams_sdk"
SCHEMA_URL: Final = "https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev"

OPERATION_NAME: Final = "gen_ai.operation.name"
OPERATION_CREATE_AGENT: Final = "create_agent"
OPERATION_INVOKE_AGENT: Final = "invoke_agent"
OPERATION_EXECUTE_TOOL: Final = "execute_tool"
OPERATION_CHAT: Final = "chat"
OPERATION_EMBEDDINGS: Final = "embeddings"
OPERATION_GENERATE_CONTENT: Final = "generate_content"
OPERATION_TEXT_COMPLETION: Final = "text_completion"
INFERENCE_OPERATIONS: Final = frozenset({OPERATION_CHAT, OPERATION_GENERATE_CONTENT, OPERATION_TEXT_COMPLETION})

AGENT_NAME: Final = "gen_ai.agent.name"
AGENT_DESCRIPTION: Final = "gen_ai.agent.description"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"

TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
TOOL_TYPE_FUNCTION: Final = "function"
TOOL_DESCRIPTION: Final = "gen_ai.tool.description"
TOOL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
TOOL_RESULT: Final = "gen_ai.tool.call.result"

ERROR_TYPE: Final = "error.type"

INVOKE_AGENT_DURATION: Final = "gen_ai.invoke_agent.duration"
INVOKE_AGENT_INFERENCE_CALLS: Final = "gen_ai.invoke_agent.inference_calls"
INVOKE_AGENT_TOOL_CALLS: Final = "gen_ai.invoke_agent.tool_calls"
EXECUTE_TOOL_DURATION: Final = "gen_ai.execute_tool.duration"

SERVICE_NAME: Final = "service.name"
SERVICE_INSTANCE_ID: Final = "service.instance.id"
DEPLOYMENT_ENVIRONMENT: Final = "deployment.environment.name"
DISTRO_NAME: Final = "telemetry.distro.name"
DISTRO_VERSION: Final = "telemetry.distro.version"

AMS_AGENT_ID: Final = "ams.agent.id"
AMS_AGENT_VERSION: Final = "ams.agent.version"
AMS_RUN_ID: Final = "ams.run.id"
AMS_INPUT: Final = "ams.input"
AMS_OUTPUT: Final = "ams.output"

EXCEPTION_EVENT: Final = "exception"
EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"
EXCEPTION_STACKTRACE: Final = "exception.stacktrace"
