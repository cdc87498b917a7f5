import { expect, test } from "vitest";
import { artifactRepository, repositoryProblems } from "./repository.ts";

test.each([
  ["europe-west1-docker.pkg.dev/shop-images/shop", "europe-west1", "shop-images", "shop"],
  ["us-docker.pkg.dev/shop-images/s", "us", "shop-images", "s"],
  ["eu-docker.pkg.dev/example.com/shop-images/shop", "eu", "example.com:shop-images", "shop"],
])("%s", (text, location, project, repository) => {
  expect(repositoryProblems("r", text)).toEqual([]);
  expect(artifactRepository(text)).toEqual({
    host: `${location}-docker.pkg.dev`,
    location,
    project,
    repository,
  });
});

test.each([
  ["gcr.io/shop-images", "gcr.io", "us", "shop-images"],
  ["us.gcr.io/shop-images", "us.gcr.io", "us", "shop-images"],
  ["eu.gcr.io/example.com/shop-images", "eu.gcr.io", "europe", "example.com:shop-images"],
  ["asia.gcr.io/shop-images", "asia.gcr.io", "asia", "shop-images"],
])("%s is a repository that is called as its host is", (text, host, location, project) => {
  expect(repositoryProblems("r", text)).toEqual([]);
  expect(artifactRepository(text)).toEqual({ host, location, project, repository: host });
});

test.each([
  "europe-west1-docker.pkg.dev/shop-images",
  "europe-west1-docker.pkg.dev/shop-images/shop/web",
  "europe-west1-docker.pkg.dev/shop-images/*",
  "europe-west1-docker.pkg.dev.evil.example/shop-images/shop",
  "evil.example/europe-west1-docker.pkg.dev/shop-images/shop",
  "gcr.io/shop-images/shop",
  "gcr.io",
  "k8s.gcr.io/shop-images",
  "gcr.io.evil.example/shop-images",
])("%s is refused", (text) => expect(repositoryProblems("r", text)).toHaveLength(1));
