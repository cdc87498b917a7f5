import { expect, test } from "vitest";
import { ecrRepository, repositoryProblems } from "./ecr-repository.ts";

test.each([
  [
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web",
    "arn:aws:ecr:eu-west-1:123456789012:repository/shop/web",
  ],
  [
    "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com/shop*",
    "arn:aws-us-gov:ecr:us-gov-west-1:123456789012:repository/shop*",
  ],
  [
    "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/*",
    "arn:aws-cn:ecr:cn-north-1:123456789012:repository/*",
  ],
  ["123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/a", "arn:aws:ecr:us-east-1:123456789012:repository/a"],
  ["123456789012.dkr-ecr.eu-west-1.on.aws/a", "arn:aws:ecr:eu-west-1:123456789012:repository/a"],
])("%s", (text, arn) => {
  expect(repositoryProblems("r", text)).toEqual([]);
  const { host, arn: found } = ecrRepository(text);
  expect([host, found]).toEqual([text.slice(0, text.indexOf("/")), arn]);
});

test.each([
  "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
  "123456789012.dkr.ecr.eu-west-1.amazonaws.com/",
  "123456789012.dkr.ecr.eu-west-1.amazonaws.com/**",
  "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a?",
  "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example/a",
  "12345678901.dkr.ecr.eu-west-1.amazonaws.com/a",
  "public.ecr.aws/a/b",
  "evil.example/123456789012.dkr.ecr.eu-west-1.amazonaws.com/a",
])("%s is refused", (text) => expect(repositoryProblems("r", text)).toHaveLength(1));
