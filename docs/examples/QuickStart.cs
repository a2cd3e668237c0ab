// Order, upload, list, viewer link, events: `dotnet run ADDRESS TOKEN FILE [SEQ]`.
using System;
using System.IO;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Tasks;

static class QuickStart
{
    static readonly HttpClient Http = new HttpClient();

    static async Task<JsonNode> Call(string method, string path, HttpContent body = null)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), Http.BaseAddress + "api/v1/" + path) { Content = body };
        var answer = await Http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        // a problem (RFC 9457): `code` for programs, `detail` for people, `type` says what to do
        if (!answer.IsSuccessStatusCode) throw new Exception(text);
        return JsonNode.Parse(text);
    }

    static HttpContent Json(string text) => new StringContent(text, Encoding.UTF8, "application/json");

    static void Main(string[] args) => Run(args[0], args[1], args[2], args.Length > 3 ? args[3] : "0").GetAwaiter().GetResult();

    static async Task Run(string bridge, string token, string file, string seq)
    {
        Http.BaseAddress = new Uri(bridge);
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        // an older message that comes late never replaces a newer one
        var asOf = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ");
        await Call("PUT", "patients/MRN-2004", Json($@"{{""family_name"": ""Ferreira"", ""given_name"": ""João"",
            ""birth_date"": ""1975-06-30"", ""sex"": ""male"", ""as_of"": ""{asOf}""}}"));
        await Call("PUT", "orders/ACC-2026-0104", Json($@"{{""mrn"": ""MRN-2004"", ""modality"": ""MR"",
            ""description"": ""MR brain"", ""as_of"": ""{asOf}""}}"));
        var image = new ByteArrayContent(File.ReadAllBytes(file));
        image.Headers.ContentType = new MediaTypeHeaderValue("application/dicom");
        image.Headers.Add("X-Order-Id", "ACC-2026-0104");
        await Call("POST", "dicom/upload", image);
        var listed = await Call("GET", "dicom/studies/order/ACC-2026-0104");
        var study = (string)listed["items"][0]["study_instance_uid"];
        Console.WriteLine(new Uri(Http.BaseAddress, (string)(await Call("GET", "dicom/viewer-url/" + study))["url"]));
        while (true)
        {
            var page = await Call("GET", $"events?after={seq}&limit=1000");
            if (page["items"].AsArray().Count == 0) break;
            foreach (var item in page["items"].AsArray())
                Console.WriteLine($"{item["seq"]} {item["type"]} {item["data"]["study_instance_uid"]}");
            seq = page["next"].ToString(); // remember it: the next run goes on from here
        }
    }
}
