/** Who the gate's token for AWS is for, wherever the role lives. */
export const STS_AUDIENCE = "sts.amazonaws.com";
/** Who the gate's token for EKS Pod Identity is for. */
export const POD_IDENTITY_AUDIENCE = "pods.eks.amazonaws.com";
/** Where the agent of EKS Pod Identity answers on every node. */
export const POD_IDENTITY_ENDPOINT = "http://169.254.170.23/v1/credentials";
/** Name of the token among the gate's; `tokenAudiences` has it as its key. */
export const TOKEN_NAME = "aws";
