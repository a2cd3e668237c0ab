// System.Text.Json.Nodes as far as docs/examples/QuickStart.cs uses it, for the compiler of Debian (Mono), which has no such library.
using System.Collections.Generic;
using System.Json;
using System.Linq;

namespace System.Text.Json.Nodes
{
    sealed class JsonNode
    {
        readonly JsonValue value;

        JsonNode(JsonValue value) { this.value = value; }

        static JsonNode Of(JsonValue value) => value == null ? null : new JsonNode(value);

        public static JsonNode Parse(string text) => Of(JsonValue.Parse(text));

        public JsonNode this[string name] => Of(value[name]);

        public JsonNode this[int index] => Of(value[index]);

        public List<JsonNode> AsArray() => ((JsonArray)value).Select(Of).ToList();

        public override string ToString() => value.JsonType == JsonType.String ? (string)value : value.ToString();

        public static explicit operator string(JsonNode node) => (string)node?.value;
    }
}
